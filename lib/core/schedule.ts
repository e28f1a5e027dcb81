/**
 * Which waiting batches start now, and at what rate. Greedy list scheduling (Graham 1966): urgency first,
 * then the earlier deadline, then the batch between the two nodes with most left to do; whatever does not
 * fit is passed over and holds up nothing.
 */
import { Budget, type Flight, type Queue, type RateBudgets, type Waiting } from './budget.ts';
import { type BatchId, byCodeUnit, type JobId, type NodeId } from './ids.ts';
import type { Bytes, BytesPerSecond, EpochMillis } from './units.ts';

/** Most urgent first. */
export const urgencies = ['critical', 'high', 'normal', 'low'] as const;
export type Urgency = (typeof urgencies)[number];

export interface Batch {
  readonly id: BatchId;
  readonly job: JobId;
  readonly urgency: Urgency;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: Bytes;
  readonly moves: number;
  readonly deadline?: EpochMillis;
}

export type { Flight } from './budget.ts';

export interface Start {
  readonly id: BatchId;
  readonly rate: BytesPerSecond;
}

export function schedule(
  pending: readonly Batch[],
  inFlight: readonly Flight[],
  budgets: RateBudgets,
): Start[] {
  const work = new WorkLeft(pending);
  const budget = new Budget(budgets);
  for (const flight of inFlight) budget.reserve(flight);
  const starts: Start[] = [];
  for (const batch of [...pending].sort(work.before)) {
    if (budget.isFleetFull) break;
    const rate = budget.rateFor(batch, work);
    if (rate === undefined) continue;
    budget.reserve({ from: batch.from, to: batch.to, rate });
    work.take(batch);
    starts.push({ id: batch.id, rate });
  }
  return starts;
}

/** What waits to start, by node and direction. */
export class WorkLeft implements Queue {
  readonly #out = new Side();
  readonly #in = new Side();

  constructor(pending: readonly Batch[]) {
    for (const { from, to, bytes } of pending) {
      this.#out.add(from, bytes, 1);
      this.#in.add(to, bytes, 1);
    }
  }

  /** The batch has started: its bytes no longer wait. */
  take({ from, to, bytes }: Batch): void {
    this.#out.add(from, -bytes, -1);
    this.#in.add(to, -bytes, -1);
  }

  waitingOut(node: NodeId): Waiting {
    return this.#out.waiting(node);
  }

  waitingIn(node: NodeId): Waiting {
    return this.#in.waiting(node);
  }

  /** Bytes left at the busier end of the batch, then at both. */
  weight({ from, to }: Batch): readonly [busier: number, both: number] {
    const out = this.#out.bytes(from);
    const into = this.#in.bytes(to);
    return [Math.max(out, into), out + into];
  }

  readonly before = (left: Batch, right: Batch): number => {
    const urgency = urgencies.indexOf(left.urgency) - urgencies.indexOf(right.urgency);
    const none = Number.POSITIVE_INFINITY;
    const [leftDue, rightDue] = [left.deadline ?? none, right.deadline ?? none];
    if (urgency !== 0) return urgency;
    if (leftDue !== rightDue) return leftDue < rightDue ? -1 : 1;
    const [leftBusier, leftBoth] = this.weight(left);
    const [rightBusier, rightBoth] = this.weight(right);
    return rightBusier - leftBusier || rightBoth - leftBoth || byCodeUnit(left.id, right.id);
  };
}

interface Left {
  bytes: number;
  waiting: number;
}

/** One direction. */
class Side {
  readonly #left = new Map<NodeId, Left>();
  #nodesWaiting = 0;

  add(node: NodeId, bytes: number, batches: 1 | -1): void {
    const left = this.#left.get(node) ?? { bytes: 0, waiting: 0 };
    const waited = left.waiting > 0;
    left.bytes += bytes;
    left.waiting += batches;
    this.#nodesWaiting += Number(left.waiting > 0) - Number(waited);
    this.#left.set(node, left);
  }

  bytes(node: NodeId): number {
    return this.#left.get(node)?.bytes ?? 0;
  }

  waiting(node: NodeId): Waiting {
    return { batches: this.#left.get(node)?.waiting ?? 0, nodes: this.#nodesWaiting };
  }
}

/**
 * No schedule ends sooner (seconds): the busiest node in its busiest direction at its full rate, and the
 * fleet's bytes at the fleet's rate, if that has one.
 */
export function makespanBound(
  pending: readonly Pick<Batch, 'from' | 'to' | 'bytes'>[],
  budgets: Pick<RateBudgets, 'nodeRateBytes' | 'fleetRateBytes'>,
): number {
  const out = new Map<NodeId, number>();
  const into = new Map<NodeId, number>();
  let total = 0;
  for (const { from, to, bytes } of pending) {
    out.set(from, (out.get(from) ?? 0) + bytes);
    into.set(to, (into.get(to) ?? 0) + bytes);
    total += bytes;
  }
  const busiest = Math.max(0, ...out.values(), ...into.values());
  const fleetRate = budgets.fleetRateBytes ?? Number.POSITIVE_INFINITY;
  return Math.max(busiest / budgets.nodeRateBytes, total / fleetRate);
}
