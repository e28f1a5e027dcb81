import type { CallCounts } from '../../lib/cli/demo/inspect.ts';

export type Call = CallCounts['calls'][number];

/** Calls of the control plane between two counts: functions, the pollers that feed them, and the event bus. */
export function controlCalls(before: CallCounts, after: CallCounts): readonly Call[] {
  const keyOf = ({ service, action, principal }: Call) => `${principal} ${service} ${action}`;
  const then = new Map(before.calls.map((call) => [keyOf(call), call.count]));
  return after.calls
    .filter(({ principal }) => /^(function:|event-sources$|events$)/.test(principal))
    .map((call) => ({ ...call, count: call.count - (then.get(keyOf(call)) ?? 0) }))
    .filter(({ count }) => count > 0);
}

export const sumOf = (calls: readonly Call[]): number =>
  calls.reduce((total, { count }) => total + count, 0);

/** A line for each caller, those that call most first. */
export const breakdownOf = (calls: readonly Call[]): string =>
  [...Map.groupBy(calls, ({ principal }) => principal)]
    .sort(([, left], [, right]) => sumOf(right) - sumOf(left))
    .map(([principal, own]) => {
      const actions = own.toSorted((left, right) => right.count - left.count);
      const parts = actions.map(({ service, action, count }) => `${service}:${action} ${count}`);
      return `${principal} ${sumOf(own)}: ${parts.join(', ')}`;
    })
    .join('\n');
