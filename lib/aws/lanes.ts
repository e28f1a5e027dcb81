/**
 * Does `work` on each, at most `lanes` at a time; answers in their order. After a failure nothing
 * more begins.
 */
export async function inLanes<T, R>(
  lanes: number,
  all: readonly T[],
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const waiting = all.entries();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const [i, one] of waiting) {
      if (failures.length > 0) return;
      try {
        results[i] = await work(one);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, all.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
