import type { NodeId } from './ids.ts';
import { type BytesPerSecond, bytesPerSecond } from './units.ts';

/** Limits on migration, in batches and bytes per second. */
export interface RateBudgets {
  /** Batches in flight at a node, in and out each. */
  readonly nodeBatchesMax: number;
  readonly fleetBatchesMax: number;
  /** Bytes per second of a node, in and out each. */
  readonly nodeRateBytes: number;
  /** A batch is not started with less. */
  readonly batchRateBytes: number;
  /** Bytes per second of the whole fleet. @default no limit */
  readonly fleetRateBytes?: number;
}

export interface Ends {
  readonly from: NodeId;
  readonly to: NodeId;
}

export interface Flight extends Ends {
  /** Reserved at both ends until the batch ends. */
  readonly rate: BytesPerSecond;
}

/** What waits at one end, that of its nodes included. */
export interface Waiting {
  /** At this node. */
  readonly batches: number;
  /** Nodes where any batch waits in this direction. */
  readonly nodes: number;
}

export interface Queue {
  waitingOut(node: NodeId): Waiting;
  waitingIn(node: NodeId): Waiting;
}

interface Use {
  batches: number;
  rate: number;
}

/** What is reserved at each end and in the fleet, and what a further batch may have. */
export class Budget {
  readonly #limits: RateBudgets;
  readonly #out = new Map<NodeId, Use>();
  readonly #in = new Map<NodeId, Use>();
  readonly #fleet: Use = { batches: 0, rate: 0 };

  constructor(limits: RateBudgets) {
    this.#limits = limits;
  }

  get isFleetFull(): boolean {
    return this.#fleet.batches >= this.#limits.fleetBatchesMax;
  }

  reserve(flight: Flight): void {
    this.#change(flight, 1);
  }

  release(flight: Flight): void {
    this.#change(flight, -1);
  }

  /**
   * The rate that a batch may start with: at each end an equal share of what is free there among the
   * batches that may still start there, so that the last ones get more. None if a count is used up or
   * the share is below the least rate.
   */
  rateFor({ from, to }: Ends, queue: Queue): BytesPerSecond | undefined {
    const { fleetRateBytes = Number.POSITIVE_INFINITY, batchRateBytes } = this.#limits;
    if (this.isFleetFull) return undefined;
    const out = this.#share(this.#out.get(from), queue.waitingOut(from));
    const into = this.#share(this.#in.get(to), queue.waitingIn(to));
    const rate = Math.floor(Math.min(out, into, fleetRateBytes - this.#fleet.rate));
    const least = Math.min(batchRateBytes, this.#limits.nodeRateBytes);
    return rate >= least && rate > 0 ? bytesPerSecond(rate) : undefined;
  }

  #share(use: Use | undefined, waiting: Waiting): number {
    const { nodeRateBytes, batchRateBytes } = this.#limits;
    const open = this.#batchesAt(waiting.nodes) - (use?.batches ?? 0);
    const free = nodeRateBytes - (use?.rate ?? 0);
    if (open <= 0 || free <= 0) return 0;
    const sharers = Math.max(1, Math.min(open, waiting.batches));
    return Math.min(free, Math.max(free / sharers, batchRateBytes));
  }

  /** With many nodes at work each gets fewer, faster batches, lest the fleet's count starve some. */
  #batchesAt(nodes: number): number {
    const { nodeBatchesMax, fleetBatchesMax } = this.#limits;
    const fair = Math.floor(fleetBatchesMax / Math.max(1, nodes));
    return Math.max(1, Math.min(nodeBatchesMax, fair));
  }

  #change({ from, to, rate }: Flight, sign: 1 | -1): void {
    for (const use of [useOf(this.#out, from), useOf(this.#in, to), this.#fleet]) {
      use.batches += sign;
      use.rate += sign * rate;
    }
  }
}

function useOf(table: Map<NodeId, Use>, node: NodeId): Use {
  let use = table.get(node);
  if (use === undefined) {
    use = { batches: 0, rate: 0 };
    table.set(node, use);
  }
  return use;
}
