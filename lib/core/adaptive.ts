import type { RateBudgets } from './budget.ts';
import type { NodeId } from './ids.ts';
import { makespanBound } from './makespan-bound.ts';
import { type FixedScheduling, fixedSchedulings } from './scheduling-policies.ts';

/** How a batch fared. Moments are epoch milliseconds; a deadline of 0 is none. */
export interface Outcome {
  readonly scheduling: FixedScheduling;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: number;
  readonly importance: number;
  readonly deadline: number;
  readonly plannedAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface Adapting {
  readonly scheduling: FixedScheduling;
  readonly decidedAt: number;
  readonly decisions: number;
  /** Why this one, with the numbers. */
  readonly reason: string;
}

/** Reference design, row 20. */
export const adaptEveryMs = 300_000;
export const outcomesMax = 100;
const outcomesMin = 5;
/** At most one interval in six tries what is little known, never while a deadline is nearer than two intervals. */
const exploreEvery = 6;
const deadlineNearMs = 2 * adaptEveryMs;

/** What counts how much: a deadline that is missed was promised to somebody. */
const weights = { deadlines: 0.5, promptness: 0.25, makespan: 0.25 };

export interface Observed {
  /** The newest first. */
  readonly outcomes: readonly Outcome[];
  readonly now: number;
  /** Of what still waits; `undefined` when nothing has one. */
  readonly nextDeadline: number | undefined;
  readonly budgets: RateBudgets;
}

/**
 * Which rule orders what waits for the next {@link adaptEveryMs}: the one that did best by the newest
 * {@link outcomesMax} outcomes; now and then one that is too little known to be judged.
 */
export function adapt(state: Adapting, observed: Observed): Adapting {
  const { now, nextDeadline, budgets } = observed;
  const outcomes = observed.outcomes.slice(0, outcomesMax);
  const next = { ...state, decidedAt: now, decisions: state.decisions + 1 };
  if (outcomes.length < outcomesMin)
    return { ...next, reason: `${outcomes.length} outcomes, ${outcomesMin} are needed to judge` };
  const records = Map.groupBy(outcomes, ({ scheduling }) => scheduling);
  const isNear = nextDeadline !== undefined && nextDeadline - now < deadlineNearMs;
  if (next.decisions % exploreEvery === 0 && !isNear) {
    const least = leastKnown(records);
    if (least !== undefined) return { ...next, ...least };
  }
  return { ...next, ...best(records, state.scheduling, budgets) };
}

type Choice = Pick<Adapting, 'scheduling' | 'reason'>;

const known = (records: ReadonlyMap<FixedScheduling, readonly Outcome[]>, each: FixedScheduling) =>
  records.get(each)?.length ?? 0;

function leastKnown(records: ReadonlyMap<FixedScheduling, readonly Outcome[]>): Choice | undefined {
  const [scheduling] = [...fixedSchedulings].sort(
    (left, right) => known(records, left) - known(records, right),
  );
  const count = known(records, scheduling!);
  if (count >= outcomesMin) return undefined;
  const reason = `tries ${scheduling}: ${count} outcomes known, ${outcomesMin} are needed to judge it`;
  return { scheduling: scheduling!, reason };
}

/** The rule in force stays when another is only as good. */
function best(
  records: ReadonlyMap<FixedScheduling, readonly Outcome[]>,
  current: FixedScheduling,
  budgets: RateBudgets,
): Choice {
  const judged = fixedSchedulings
    .filter((each) => known(records, each) >= outcomesMin)
    .map((scheduling) => ({ scheduling, ...judge(records.get(scheduling)!, budgets) }))
    .sort(
      (left, right) =>
        right.score - left.score ||
        Number(right.scheduling === current) - Number(left.scheduling === current),
    );
  if (judged.length === 0)
    return { scheduling: current, reason: `no rule has ${outcomesMin} outcomes yet` };
  const reason = judged.map(({ scheduling, text }) => `${scheduling} ${text}`).join('; ');
  return { scheduling: judged[0]!.scheduling, reason };
}

/** Each of the three is 0 to 1, and so is their weighted sum. */
export function judge(
  outcomes: readonly Outcome[],
  budgets: RateBudgets,
): { readonly score: number; readonly text: string } {
  const deadlines = deadlinesMet(outcomes);
  const promptness = promptnessOf(outcomes);
  const makespan = boundOverMakespan(outcomes, budgets);
  const score =
    weights.deadlines * deadlines + weights.promptness * promptness + weights.makespan * makespan;
  const two = (value: number) => value.toFixed(2);
  const parts = `deadlines met ${two(deadlines)}, importance first ${two(promptness)}, bound/makespan ${two(makespan)}`;
  return { score, text: `${two(score)} (${parts}, ${outcomes.length} outcomes)` };
}

/** Share of those with a deadline that ended before it; 1 when none has one. */
function deadlinesMet(outcomes: readonly Outcome[]): number {
  const due = outcomes.filter(({ deadline }) => deadline > 0);
  const met = due.filter(({ deadline, endedAt }) => endedAt <= deadline);
  return due.length === 0 ? 1 : met.length / due.length;
}

/** From plan to end, by importance: above 0.5 where what matters more waited less than the rest. */
function promptnessOf(outcomes: readonly Outcome[]): number {
  const waited = ({ plannedAt, endedAt }: Outcome) => endedAt - plannedAt;
  const sum = (of: (each: Outcome) => number) =>
    outcomes.reduce((total, each) => total + of(each), 0);
  const mean = sum(waited) / outcomes.length;
  const weighted =
    sum((each) => each.importance * waited(each)) / sum(({ importance }) => importance);
  return mean + weighted > 0 ? mean / (mean + weighted) : 0.5;
}

/** The least time that these bytes take over the time in which any of them flew. */
function boundOverMakespan(outcomes: readonly Outcome[], budgets: RateBudgets): number {
  const byStart = outcomes.toSorted((left, right) => left.startedAt - right.startedAt);
  let busyMs = 0;
  let until = 0;
  for (const { startedAt, endedAt } of byStart) {
    busyMs += Math.max(0, endedAt - Math.max(startedAt, until));
    until = Math.max(until, endedAt);
  }
  return busyMs > 0 ? Math.min(1, (makespanBound(outcomes, budgets) * 1_000) / busyMs) : 1;
}
