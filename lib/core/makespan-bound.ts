import { type Ends, Meters, type RateBudgets } from './budget.ts';

/**
 * No schedule ends sooner (seconds): the busiest node in its busiest direction, pair of zones, or the whole
 * fleet, at its full rate.
 */
export function makespanBound(
  pending: readonly (Ends & { readonly bytes: number })[],
  budgets: RateBudgets,
): number {
  const meters = new Meters(budgets);
  let seconds = 0;
  for (const each of pending) {
    for (const meter of meters.of(each)) {
      meter.waiting.bytes += each.bytes;
      seconds = Math.max(seconds, meter.secondsLeft);
    }
  }
  return seconds;
}
