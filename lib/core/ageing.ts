import { type BatchId, byCodeUnit, type JobId } from './ids.ts';

export interface Waiter {
  readonly id: BatchId;
  readonly job: JobId;
  /** Epoch milliseconds. */
  readonly plannedAt: number;
}

/**
 * The next turn of each job that has waited for too long: one batch of every job of which nothing flies and
 * nothing has started for `ageingMs`. One batch a job, so that a large old job does not hold up a young one
 * either.
 *
 * @param lastStarts by job: epoch milliseconds of the last start
 */
export function turnsOf(
  pending: readonly Waiter[],
  flying: ReadonlySet<string>,
  lastStarts: Readonly<Record<string, number>>,
  now: number,
  ageingMs: number,
): ReadonlySet<BatchId> {
  const oldest = new Map<JobId, Waiter>();
  for (const each of pending) {
    const known = oldest.get(each.job);
    if (known === undefined || isOlder(each, known)) oldest.set(each.job, each);
  }
  const due = [...oldest.values()].filter(({ job, plannedAt }) => {
    const since = Math.max(plannedAt, lastStarts[job] ?? 0);
    return !flying.has(job) && now - since > ageingMs;
  });
  return new Set(due.map(({ id }) => id));
}

const isOlder = (left: Waiter, right: Waiter): boolean =>
  left.plannedAt < right.plannedAt ||
  (left.plannedAt === right.plannedAt && byCodeUnit(left.id, right.id) < 0);
