/**
 * Runs `work` on each item, at most `max` at once. The first failure (or the signal) stops new work; it is
 * thrown once what is under way has ended, so nothing runs on behind the caller's back.
 */
export async function eachInFlight<T>(
  items: Iterable<T>,
  max: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async () => {
    while (failures.length === 0) {
      const next = rest.next();
      if (next.done) return;
      try {
        signal?.throwIfAborted();
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: max }, lane));
  if (failures.length > 0) throw failures[0];
}

/** Waits for all; then throws the first failure, if any. */
export async function allSettled<T>(tasks: Iterable<Promise<T>>): Promise<T[]> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
