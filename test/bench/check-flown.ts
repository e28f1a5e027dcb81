/** What a simulated schedule must keep, checked from its flights alone. */
import type { RateBudgets } from '../../lib/core/budget.ts';
import { type Batch, urgencies } from '../../lib/core/schedule.ts';
import type { Flown } from '../../lib/core/simulate-schedule.ts';

interface Use {
  rate: number;
  batches: number;
}

/** By limit (`out n1`, `in n2`, `a>b`, `fleet`): what may be used there. */
function limitsOf({ from, to, zones, isLost }: Batch, budgets: RateBudgets): Map<string, Use> {
  const none = Number.POSITIVE_INFINITY;
  const { nodeRates = {}, nodeRateBytes, nodeBatchesMax: batches } = budgets;
  const node = (id: string) => ({ rate: nodeRates[id] ?? nodeRateBytes, batches });
  const limits = new Map<string, Use>([
    ['fleet', { rate: budgets.fleetRateBytes || none, batches: budgets.fleetBatchesMax }],
    [`in ${to}`, node(to)],
  ]);
  if (isLost) return limits;
  limits.set(`out ${from}`, node(from));
  if (zones !== undefined && zones[0] !== zones[1]) {
    const rate = budgets.zonePairRateBytes || none;
    limits.set(zones.join('>'), { rate, batches: budgets.zonePairBatchesMax || none });
  }
  return limits;
}

/** Replays flights in the order of their starts; each end counts before a start at the same moment. */
class Replay {
  readonly #budgets: RateBudgets;
  readonly #used = new Map<string, Use>();
  readonly #ends: Flown[];

  constructor(flown: readonly Flown[], budgets: RateBudgets) {
    this.#budgets = budgets;
    this.#ends = [...flown].sort((left, right) => left.endedAt - right.endedAt);
  }

  /** Lets everything end that has ended by then. */
  until(seconds: number): void {
    while (this.#ends.length > 0 && this.#ends[0]!.endedAt <= seconds)
      this.#change(this.#ends.shift()!, -1);
  }

  /** @returns limits that the start breaks */
  start(flown: Flown): string[] {
    this.#change(flown, 1);
    return [...limitsOf(flown.batch, this.#budgets)].flatMap(([name, limit]) => {
      const { rate, batches } = this.#useOf(name);
      const isKept = rate <= limit.rate * (1 + 1e-9) && batches <= limit.batches;
      return isKept ? [] : [`${name}: ${rate} B/s in ${batches} batches at ${flown.startedAt} s`];
    });
  }

  /** A batch fits now, with the least rate that is worth a start. */
  hasRoomFor(batch: Batch): boolean {
    const limits = [...limitsOf(batch, this.#budgets)];
    const least = Math.min(this.#budgets.batchRateBytes, ...limits.map(([, { rate }]) => rate));
    return limits.every(([name, limit]) => {
      const { rate, batches } = this.#useOf(name);
      return batches < limit.batches && limit.rate - rate >= least + 1;
    });
  }

  #change({ batch, rate }: Flown, sign: 1 | -1): void {
    for (const name of limitsOf(batch, this.#budgets).keys()) {
      const use = this.#useOf(name);
      this.#used.set(name, { rate: use.rate + sign * rate, batches: use.batches + sign });
    }
  }

  #useOf(name: string): Use {
    return this.#used.get(name) ?? { rate: 0, batches: 0 };
  }
}

const rank = ({ urgency }: Batch): number => urgencies.indexOf(urgency);

/**
 * Starts that break a budget at their moment, or that go before a more urgent batch that would have fitted
 * just then (`out of order`).
 */
export function faultsOf(flown: readonly Flown[], budgets: RateBudgets): string[] {
  const replay = new Replay(flown, budgets);
  const waiting = new Set(flown);
  const faults: string[] = [];
  for (const start of flown) {
    replay.until(start.startedAt);
    for (const { batch } of waiting) {
      if (rank(batch) < rank(start.batch) && replay.hasRoomFor(batch))
        faults.push(`out of order: ${start.batch.id} at ${start.startedAt} s before ${batch.id}`);
    }
    waiting.delete(start);
    faults.push(...replay.start(start));
  }
  return faults;
}
