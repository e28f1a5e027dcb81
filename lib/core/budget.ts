import type { NodeId, Zone } from './ids.ts';
import type { BytesPerSecond } from './units.ts';

/** Limits on migration, in batches in flight, in their moves, and in bytes per second. 0: no limit. */
export interface RateBudgets {
  /** Batches in flight at a node, in and out each. */
  readonly nodeBatchesMax: number;
  readonly fleetBatchesMax: number;
  /** From one zone to another, each direction on its own. @default no limit */
  readonly zonePairBatchesMax?: number;
  /** Bytes per second of a node, in and out each. */
  readonly nodeRateBytes: number;
  /** By node: those whose rate is another one. */
  readonly nodeRates?: Readonly<Record<string, number>>;
  /** @default no limit */
  readonly fleetRateBytes?: number;
  /** From one zone to another, each direction on its own. @default no limit */
  readonly zonePairRateBytes?: number;
  /** Moves of the batches in flight. A batch that is larger on its own starts alone. @default no limit */
  readonly nodeMovesMax?: number;
  readonly zonePairMovesMax?: number;
  readonly fleetMovesMax?: number;
  /** A batch is not started with less. */
  readonly batchRateBytes: number;
  /**
   * Of a node's limits, kept free for critical batches where any of them wait or fly. What is freed in the
   * fleet or between zones goes to them first, so nothing is kept there. @default 0
   */
  readonly criticalShare?: number;
}

export interface Ends {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Zones of the two; absent where they are not known: then no zone pair counts. */
  readonly zones?: readonly [from: Zone, to: Zone];
  /** `from` is dead: the bytes come from other holders, so nothing of its budget is used. */
  readonly isLost?: boolean;
}

export interface Flight extends Ends {
  /** Reserved at both ends until the batch ends. */
  readonly rate: BytesPerSecond;
  /** @default 1 */
  readonly moves?: number;
  readonly isCritical?: boolean;
}

/** Infinite where there is none. */
export interface Limit {
  readonly rate: number;
  readonly batches: number;
  readonly moves: number;
}

interface Use {
  rate: number;
  batches: number;
  moves: number;
}

/** One place where a budget holds: a node's way out or in, a pair of zones, or the fleet. */
export class Meter {
  readonly limit: Limit;
  readonly #criticalShare: number;
  readonly #all: Use = { rate: 0, batches: 0, moves: 0 };
  readonly #others: Use = { rate: 0, batches: 0, moves: 0 };
  /** Batches that wait to start here, their bytes, and how many of them are critical. */
  readonly waiting = { batches: 0, bytes: 0, critical: 0 };

  constructor(limit: Limit, criticalShare = 0) {
    this.limit = limit;
    this.#criticalShare = criticalShare;
  }

  get batches(): number {
    return this.#all.batches;
  }

  /** Seconds that what waits here takes at the full rate. */
  get secondsLeft(): number {
    return this.waiting.bytes / this.limit.rate;
  }

  reserve({ rate, moves = 1, isCritical = false }: Omit<Flight, keyof Ends>, sign: 1 | -1): void {
    for (const use of isCritical ? [this.#all] : [this.#all, this.#others]) {
      use.rate += sign * rate;
      use.batches += sign;
      use.moves += sign * moves;
    }
  }

  /** Bytes per second that one more batch may have here at most; 0 if its count does not fit. */
  freeFor(moves: number, isCritical: boolean): number {
    const free = freeIn(this.limit, this.#all, moves);
    if (free <= 0 || isCritical || !this.#isKept) return free;
    const share = 1 - this.#criticalShare;
    const { rate, batches, moves: movesMax } = this.limit;
    const limit = {
      rate: rate * share,
      batches: Math.max(1, Math.floor(batches * share)),
      moves: movesMax * share,
    };
    return Math.min(free, freeIn(limit, this.#others, moves));
  }

  get #isKept(): boolean {
    if (this.#criticalShare === 0) return false;
    return this.waiting.critical > 0 || this.#all.batches > this.#others.batches;
  }
}

function freeIn(limit: Limit, use: Use, moves: number): number {
  const fits = use.batches < limit.batches && (use.moves === 0 || use.moves + moves <= limit.moves);
  return fits ? limit.rate - use.rate : 0;
}

/** The meters of a fleet, each made when it is first asked for. */
export class Meters {
  readonly budgets: RateBudgets;
  readonly fleet: Meter;
  readonly #out = new Map<NodeId, Meter>();
  readonly #in = new Map<NodeId, Meter>();
  readonly #pairs = new Map<string, Meter>();

  constructor(budgets: RateBudgets) {
    this.budgets = budgets;
    const { fleetRateBytes, fleetBatchesMax, fleetMovesMax } = budgets;
    this.fleet = new Meter(limitOf(fleetRateBytes, fleetBatchesMax, fleetMovesMax));
  }

  out(node: NodeId): Meter {
    return known(this.#out, node, () => this.#nodeMeter(node));
  }

  into(node: NodeId): Meter {
    return known(this.#in, node, () => this.#nodeMeter(node));
  }

  /** All that count for a batch between these ends; those of nodes come first. */
  of({ from, to, zones, isLost }: Ends): readonly Meter[] {
    const nodes = isLost ? [this.into(to)] : [this.out(from), this.into(to)];
    if (zones === undefined || zones[0] === zones[1] || isLost) return [...nodes, this.fleet];
    const { zonePairRateBytes, zonePairBatchesMax, zonePairMovesMax } = this.budgets;
    const limit = limitOf(zonePairRateBytes, zonePairBatchesMax, zonePairMovesMax);
    const pair = known(this.#pairs, zones.join('\n'), () => new Meter(limit));
    return [...nodes, pair, this.fleet];
  }

  /** Nodes in this direction at which any batch waits. */
  nodesWaiting(direction: 'out' | 'in'): number {
    const meters = direction === 'out' ? this.#out : this.#in;
    return [...meters.values()].filter(({ waiting }) => waiting.batches > 0).length;
  }

  #nodeMeter(node: NodeId): Meter {
    const { nodeRateBytes, nodeRates = {}, nodeBatchesMax, nodeMovesMax } = this.budgets;
    const limit = limitOf(nodeRates[node] ?? nodeRateBytes, nodeBatchesMax, nodeMovesMax);
    return new Meter(limit, this.budgets.criticalShare);
  }
}

const limitOf = (rate = 0, batches = 0, moves = 0): Limit => ({
  rate: orNone(rate),
  batches: orNone(batches),
  moves: orNone(moves),
});
const orNone = (limit: number): number => (limit > 0 ? limit : Number.POSITIVE_INFINITY);

function known<K, V>(table: Map<K, V>, key: K, make: () => V): V {
  const found = table.get(key);
  if (found !== undefined) return found;
  const made = make();
  table.set(key, made);
  return made;
}
