import { clientMs } from './client-time.ts';
import { planDrain } from './drain.ts';
import { type Estimate, type EstimateInput, estimate, type Load } from './estimate.ts';
import type { FleetMap } from './fleet-map.ts';
import type { JobId, NodeId } from './ids.ts';
import type { Plan } from './plan.ts';
import type { Remedy } from './remedy.ts';
import { leaveOut } from './unblock.ts';
import { bytesPerSecond, type EpochMillis, epochMillis } from './units.ts';

/** What another job has to move still. */
export interface OtherLoad extends Load {
  readonly job: JobId;
}

export interface DrainWork {
  readonly fleet: FleetMap;
  readonly leaving: readonly NodeId[];
  readonly plan: Plan;
  readonly fillHard: number;
  readonly others: readonly OtherLoad[];
  readonly budgets: EstimateInput['budgets'];
  readonly past: EstimateInput['past'];
  /** Times that clients are given before the first move, as far as a deadline leaves them. */
  readonly clientsMs: readonly number[];
}

/** When the drain will have ended nine times in ten, if it is asked to end by `deadline` (0: it is not). */
export const endsBy = (work: DrainWork, now: EpochMillis, deadline: number): number =>
  now + waitMs(work, now, deadline) + estimateDrain(work).p90Ms;

const waitMs = ({ clientsMs }: DrainWork, now: EpochMillis, deadline: number): number =>
  clientsMs.reduce((sum, wanted) => sum + clientMs(wanted, deadline, now), 0);

/** How long the drain's moves will take as things are. */
export const estimateDrain = ({ plan, ...work }: DrainWork): Estimate =>
  estimate({ ...work, moves: plan.moves });

/** Clients' share is a tenth at most: each round gains a digit. */
const roundsMax = 12;
/** A rate is told in steps of a megabyte a second. */
const rateStep = 1e6;

/**
 * What would have to give so that the moves end by `deadline` nine times in ten: of each kind the smallest
 * change, tried on the estimate itself.
 */
export function whatGives(
  work: DrainWork,
  now: EpochMillis,
  deadline: EpochMillis,
): readonly Remedy[] {
  const isInTime = (changed: Partial<DrainWork>) =>
    endsBy({ ...work, ...changed }, now, deadline) <= deadline;
  return [
    ...leaveOut(work.leaving, {
      weightOf: (node) => bytesFrom(work.plan.moves, node),
      isGood: (leaving) => {
        const plan = planDrain(work.fleet, leaving, { fillHard: work.fillHard });
        return plan.blocks.length === 0 && isInTime({ leaving, plan });
      },
    }),
    ...pauseJobs(work, (others) => isInTime({ others })),
    ...moveFaster(work, deadline - now - waitMs(work, now, deadline), (budgets) =>
      isInTime({ budgets }),
    ),
    { kind: 'later-deadline', deadline: earliest(work, now) },
  ];
}

/** Clients get a share of what the deadline leaves, so it is approached from below. */
function earliest(work: DrainWork, now: EpochMillis): EpochMillis {
  let deadline = now + estimateDrain(work).p90Ms;
  for (let round = 0; round < roundsMax; round++) deadline = endsBy(work, now, deadline);
  return nextSecond(deadline);
}

const bytesFrom = (moves: readonly Load[], node: NodeId): number =>
  moves.filter(({ from }) => from === node).reduce((sum, { bytes }) => sum + bytes, 0);

const nextSecond = (ms: number): EpochMillis => epochMillis(Math.ceil(ms / 1_000) * 1_000);

/** Those with most to move first, until it is enough; none if all together are not. */
function pauseJobs(
  { others }: DrainWork,
  isEnough: (rest: readonly OtherLoad[]) => boolean,
): readonly Remedy[] {
  const byJob = [...Map.groupBy(others, ({ job }) => job)].toSorted(
    ([, left], [, right]) => bytesOf(right) - bytesOf(left),
  );
  const jobs: JobId[] = [];
  for (const [job] of byJob) {
    jobs.push(job);
    if (isEnough(others.filter((other) => !jobs.includes(other.job))))
      return [{ kind: 'pause-jobs', jobs }];
  }
  return [];
}

const bytesOf = (loads: readonly Load[]): number =>
  loads.reduce((sum, { bytes }) => sum + bytes, 0);

/** The time is in inverse proportion to the rate, apart from what a job takes whatever it moves. */
function moveFaster(
  work: DrainWork,
  availableMs: number,
  isEnough: (budgets: DrainWork['budgets']) => boolean,
): readonly Remedy[] {
  const { nodeRateBytes } = work.budgets;
  const { boundMs, p90Ms } = estimateDrain(work);
  const fixedMs = estimateDrain({
    ...work,
    budgets: { ...work.budgets, nodeRateBytes: Number.POSITIVE_INFINITY },
  }).p90Ms;
  if (availableMs <= fixedMs || boundMs === 0) return [];
  const wanted = (nodeRateBytes * (p90Ms - fixedMs)) / (availableMs - fixedMs);
  const rate = Math.ceil(wanted / rateStep) * rateStep;
  const isRate = isEnough({ ...work.budgets, nodeRateBytes: rate });
  return isRate ? [{ kind: 'raise-node-rate', rate: bytesPerSecond(rate) }] : [];
}
