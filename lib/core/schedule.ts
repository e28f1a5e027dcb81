import type { Ends, Flight, RateBudgets } from './budget.ts';
import type { BatchId, JobId } from './ids.ts';
import { type Order, orderOf } from './scheduling-policies.ts';
import { Starter } from './starter.ts';
import { type Bytes, type BytesPerSecond, type EpochMillis, epochMillis } from './units.ts';
import type { Urgency } from './urgency.ts';

export interface Batch extends Ends {
  readonly id: BatchId;
  readonly job: JobId;
  readonly urgency: Urgency;
  readonly bytes: Bytes;
  readonly moves: number;
  readonly deadline?: EpochMillis;
  /** 1 to 10, the higher the sooner. @default 5 */
  readonly priority?: number;
  /** How often its chunks are accessed. @default 0 */
  readonly heat?: number;
  /** Its source leaves: sources that leave take turns. @default false */
  readonly isLeaving?: boolean;
}

export type { Flight } from './budget.ts';
export { makespanBound } from './makespan-bound.ts';
export { type Urgency, urgencies } from './urgency.ts';

export interface Start {
  readonly id: BatchId;
  readonly rate: BytesPerSecond;
}

const balanced = orderOf('balanced', epochMillis(0));

/** Which waiting batches start now, and at what rate, so that all of them end soon ({@link Starter}). */
export function schedule(
  pending: readonly Batch[],
  inFlight: readonly Flight[],
  budgets: RateBudgets,
  order: Order = balanced,
): Start[] {
  const starter = new Starter(pending, budgets, order);
  for (const flight of inFlight) starter.reserve(flight);
  return starter.startAll();
}
