import { Budget, type Flight, type RateBudgets } from './budget.ts';
import type { NodeId } from './ids.ts';
import { NodeHeap } from './node-heap.ts';
import { type Batch, makespanBound, WorkLeft } from './schedule.ts';
import type { BytesPerSecond } from './units.ts';

export interface Simulation {
  /** From the first start to the last end. */
  readonly makespanSeconds: number;
  /** No schedule ends sooner. */
  readonly boundSeconds: number;
  readonly batches: number;
  readonly inFlightMost: number;
  readonly bytesOut: ReadonlyMap<NodeId, number>;
  readonly bytesIn: ReadonlyMap<NodeId, number>;
  /** In the order of their starts. */
  readonly flown: readonly Flown[];
}

/** A batch as it flew: seconds from the first start. */
export interface Flown {
  readonly batch: Batch;
  readonly rate: BytesPerSecond;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * Runs the scheduler's rule on a clock of its own: each batch takes exactly its bytes over its rate, and
 * whenever one ends the best that fits starts. Only batches at the two nodes that became free can newly
 * fit, so a step looks at these.
 */
export function simulateSchedule(batches: readonly Batch[], budgets: RateBudgets): Simulation {
  return new Run(batches, budgets).toEnd();
}

class Run {
  readonly #batches: readonly Batch[];
  readonly #budgets: RateBudgets;
  readonly #work: WorkLeft;
  readonly #budget: Budget;
  /** By the order of starts; the heap has the same numbers by their end. */
  readonly #flights: (Flight | undefined)[] = [];
  readonly #ends = new NodeHeap();
  readonly #waitingOut: Map<NodeId, Set<Batch>>;
  readonly #waitingIn: Map<NodeId, Set<Batch>>;
  readonly #flown: Flown[] = [];
  #now = 0;
  #inFlightMost = 0;

  constructor(batches: readonly Batch[], budgets: RateBudgets) {
    this.#batches = batches;
    this.#budgets = budgets;
    this.#work = new WorkLeft(batches);
    this.#budget = new Budget(budgets);
    this.#waitingOut = waitingBy(batches, ({ from }) => from);
    this.#waitingIn = waitingBy(batches, ({ to }) => to);
  }

  toEnd(): Simulation {
    this.#startAllThatFit();
    while (this.#ends.size > 0) {
      const freed = this.#endNext();
      for (const waiting of freed) while (this.#startBestOf(waiting));
      if (this.#ends.size === 0) this.#startAllThatFit();
    }
    return {
      makespanSeconds: this.#now,
      boundSeconds: makespanBound(this.#batches, this.#budgets),
      batches: this.#flights.length,
      inFlightMost: this.#inFlightMost,
      bytesOut: bytesBy(this.#batches, ({ from }) => from),
      bytesIn: bytesBy(this.#batches, ({ to }) => to),
      flown: this.#flown,
    };
  }

  #startAllThatFit(): void {
    const waiting = [...this.#waitingOut.values()].flatMap((each) => [...each]);
    for (const batch of waiting.sort(this.#work.before)) this.#tryStart(batch);
  }

  #startBestOf(waiting: ReadonlySet<Batch>): boolean {
    let best: Batch | undefined;
    for (const batch of waiting) {
      if (this.#budget.rateFor(batch, this.#work) === undefined) continue;
      if (best === undefined || this.#work.before(batch, best) < 0) best = batch;
    }
    return best !== undefined && this.#tryStart(best);
  }

  #tryStart(batch: Batch): boolean {
    const { from, to } = batch;
    const rate = this.#budget.rateFor(batch, this.#work);
    if (rate === undefined) return false;
    const flight = { from, to, rate };
    this.#budget.reserve(flight);
    this.#work.take(batch);
    this.#waitingOut.get(from)!.delete(batch);
    this.#waitingIn.get(to)!.delete(batch);
    const endedAt = this.#now + batch.bytes / rate;
    this.#ends.push(this.#flights.push(flight) - 1, endedAt);
    this.#flown.push({ batch, rate, startedAt: this.#now, endedAt });
    this.#inFlightMost = Math.max(this.#inFlightMost, this.#ends.size);
    return true;
  }

  /** Ends all flights that end first; returns what waits at their nodes. */
  #endNext(): Set<Set<Batch>> {
    const freed = new Set<Set<Batch>>();
    this.#now = this.#ends.topKey;
    while (this.#ends.size > 0 && this.#ends.topKey === this.#now) {
      const flight = this.#flights[this.#ends.top]!;
      this.#flights[this.#ends.top] = undefined;
      this.#ends.pop();
      this.#budget.release(flight);
      freed.add(this.#waitingOut.get(flight.from)!).add(this.#waitingIn.get(flight.to)!);
    }
    return freed;
  }
}

function waitingBy(
  batches: readonly Batch[],
  end: (batch: Batch) => NodeId,
): Map<NodeId, Set<Batch>> {
  const waiting = new Map<NodeId, Set<Batch>>();
  for (const [node, group] of Map.groupBy(batches, end)) waiting.set(node, new Set(group));
  return waiting;
}

function bytesBy(batches: readonly Batch[], end: (batch: Batch) => NodeId): Map<NodeId, number> {
  const sums = new Map<NodeId, number>();
  for (const batch of batches) sums.set(end(batch), (sums.get(end(batch)) ?? 0) + batch.bytes);
  return sums;
}
