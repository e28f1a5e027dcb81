import type { RateBudgets } from './budget.ts';
import type { BatchId, NodeId } from './ids.ts';
import { makespanBound } from './makespan-bound.ts';
import { NodeHeap } from './node-heap.ts';
import type { Batch, Start } from './schedule.ts';
import { type Order, orderOf } from './scheduling-policies.ts';
import { Starter } from './starter.ts';
import { type BytesPerSecond, epochMillis } from './units.ts';

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
 * whenever one ends what fits starts. Only batches at the two nodes that became free can newly fit, so a
 * step looks at these.
 */
export function simulateSchedule(
  batches: readonly Batch[],
  budgets: RateBudgets,
  order: Order = orderOf('balanced', epochMillis(0)),
): Simulation {
  const run = new Run(batches, budgets, order);
  run.toEnd();
  return {
    makespanSeconds: run.now,
    boundSeconds: makespanBound(batches, budgets),
    batches: run.flown.length,
    inFlightMost: run.inFlightMost,
    bytesOut: bytesBy(batches, ({ from }) => from),
    bytesIn: bytesBy(batches, ({ to }) => to),
    flown: run.flown,
  };
}

class Run {
  readonly flown: Flown[] = [];
  now = 0;
  inFlightMost = 0;
  readonly #starter: Starter;
  readonly #batches: ReadonlyMap<BatchId, Batch>;
  /** Flights by their number among all that flew, by their end. */
  readonly #ends = new NodeHeap();

  constructor(batches: readonly Batch[], budgets: RateBudgets, order: Order) {
    this.#starter = new Starter(batches, budgets, order);
    this.#batches = new Map(batches.map((batch) => [batch.id, batch]));
  }

  toEnd(): void {
    this.#begin(this.#starter.startAll());
    while (this.#ends.size > 0) {
      this.#begin(this.#starter.startAt(this.#endNext()));
      if (this.#ends.size === 0) this.#begin(this.#starter.startAll());
    }
  }

  #begin(starts: readonly Start[]): void {
    for (const { id, rate } of starts) {
      const batch = this.#batches.get(id)!;
      const endedAt = this.now + batch.bytes / rate;
      this.#ends.push(this.flown.length, endedAt);
      this.flown.push({ batch, rate, startedAt: this.now, endedAt });
    }
    this.inFlightMost = Math.max(this.inFlightMost, this.#ends.size);
  }

  /** Ends all flights that end first. */
  #endNext(): readonly Batch[] {
    const ended: Batch[] = [];
    this.now = this.#ends.topKey;
    while (this.#ends.size > 0 && this.#ends.topKey === this.now) {
      const { batch, rate } = this.flown[this.#ends.top]!;
      this.#ends.pop();
      const { moves, urgency } = batch;
      this.#starter.release({ ...batch, rate, moves, isCritical: urgency === 'critical' });
      ended.push(batch);
    }
    return ended;
  }
}

function bytesBy(batches: readonly Batch[], end: (batch: Batch) => NodeId): Map<NodeId, number> {
  const sums = new Map<NodeId, number>();
  for (const batch of batches) sums.set(end(batch), (sums.get(end(batch)) ?? 0) + batch.bytes);
  return sums;
}
