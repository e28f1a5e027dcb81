import { readNodes } from '../../control/fleet.ts';
import type { Job } from '../../control/jobs.ts';
import type { Tables } from '../../control/ports.ts';
import { pendingOf, readUnderway, type Traffic, type Underway } from '../../control/traffic.ts';
import { stuckAfterMs } from './job-words.ts';
import { type EstimateView, estimateLeft, type PaceView, paceOf, secondsFor } from './pace-view.ts';
import { holdersOf, lacksOf, stillMsOf, type Work } from './standstill.ts';

/** A job as people and scripts see it. Moments are ISO 8601, sizes bytes, rates bytes a second. */
export interface JobView {
  readonly id: string;
  readonly kind: Job['kind'];
  readonly state: Job['state'];
  readonly phase: string;
  /** Those that leave, were lost, were launched, or have what is damaged. */
  readonly nodes: readonly string[];
  readonly launch: Job['launch'];
  readonly reasons: readonly string[];
  /** 1 to 10, the higher the sooner. */
  readonly priority: number;
  readonly paused: boolean;
  /** Null when it has none. */
  readonly deadline: string | null;
  readonly movesPlanned: number;
  readonly movesDone: number;
  readonly movesInFlight: number;
  readonly movesRetried: number;
  readonly movesFailed: number;
  readonly bytesPlanned: number;
  readonly bytesMinimum: number;
  readonly bytesDone: number;
  readonly bytesLeft: number;
  /** Since the job began; 0 before its first byte. */
  readonly bytesPerSecond: number;
  /** Of what is in flight, since it was sent; while that tells nothing, since its first move. */
  readonly bytesPerSecondRecent: number;
  /** By leaving node that has something left: what, and how fast it goes. */
  readonly leaving: Readonly<Record<string, PaceView>>;
  /** At the recent rate; null while nothing tells or it is held. */
  readonly secondsLeft: number | null;
  /** Null where nothing was estimated and once it has ended. */
  readonly estimate: EstimateView | null;
  /** Milliseconds since a byte was committed or a batch was sent; 0 while it does not move anything yet. */
  readonly stillMs: number;
  /** What holds it, or what it waits for when it has been still for a while. */
  readonly waitsFor: readonly string[];
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly seconds: number;
}

/** What is left of a running job: batches that wait, and what its flights have not done yet. */
export interface Left {
  readonly moves: number;
  readonly movesInFlight: number;
  readonly pace: PaceView;
  readonly leaving: JobView['leaving'];
  readonly isHeld: boolean;
  readonly stillMs: number;
  readonly waitsFor: readonly string[];
}

/** What bears on jobs that run. */
export type Around = Underway & Pick<Traffic, 'nodes'>;

/** Jobs with their live progress: it is summed from what waits and flies, not from a scan of the moves. */
export async function viewJobs(
  tables: Tables,
  jobs: readonly Job[],
  now: number,
): Promise<readonly JobView[]> {
  const around = jobs.some(isRunning) ? await readAround(tables) : nothingAround;
  return viewJobsAmong(tables, jobs, around, now);
}

const nothingAround: Around = {
  ...{ flying: [], holds: [], nodes: new Map() },
  paced: {
    ...{ generation: 0, lastStarts: {}, waiting: {} },
    adapting: { scheduling: 'balanced', decidedAt: 0, decisions: 0, reason: '' },
  },
};

/** One query; nodes are of use, and read, only while some zone is held. */
async function readAround(tables: Tables): Promise<Around> {
  const underway = await readUnderway(tables);
  const isZoneHeld = underway.holds.some(({ zone }) => zone !== undefined);
  const nodes = isZoneHeld ? await readNodes(tables) : undefined;
  return { ...underway, nodes: nodes && new Map(nodes.map((node) => [node.id, node])) };
}

/** As {@link viewJobs}, for one who has read what is around. One query for each running job. */
export const viewJobsAmong = (
  tables: Tables,
  jobs: readonly Job[],
  around: Around,
  now: number,
): Promise<readonly JobView[]> =>
  Promise.all(jobs.map(async (job) => viewJob(job, await leftOf(tables, job, around, now), now)));

const isRunning = (job: Job): boolean => job.state === 'running';

async function leftOf(
  tables: Tables,
  job: Job,
  { flying, paced, nodes, holds }: Around,
  now: number,
): Promise<Left | undefined> {
  if (!isRunning(job) || job.attempt === '') return undefined;
  const own = flying.filter((flight) => flight.job === job.id);
  return leftIn(
    job,
    {
      ...{ nodes, holds, flying: own, pending: await pendingOf(tables, job) },
      ...{ sentAt: paced.lastStarts[job.id] ?? 0, othersFlying: flying.length - own.length },
    },
    now,
  );
}

/** What is left, by a job's batches. */
export function leftIn(job: Job, work: Work, now: number): Left {
  const { pending, flying } = work;
  const movesInFlight = flying.reduce((sum, { moves, movesDone }) => sum + moves - movesDone, 0);
  const held = [...(job.paused ? [pausedWords] : []), ...holdersOf(work, now)];
  const stillMs = job.phase === 'moving' ? stillMsOf(work, now) : 0;
  const lacks = stillMs > stuckAfterMs ? lacksOf(work, now) : [];
  return {
    movesInFlight,
    moves: movesInFlight + pending.reduce((sum, { moves }) => sum + moves, 0),
    pace: paceOf(pending, flying, now),
    leaving: leavingOf(job, work, now),
    isHeld: held.length > 0,
    stillMs,
    waitsFor: held.length > 0 && flying.length === 0 ? held : [...held, ...lacks],
  };
}

const pausedWords = 'the job is paused';

function leavingOf({ kind, nodes }: Job, work: Work, now: number): JobView['leaving'] {
  if (kind !== 'drain' && kind !== 'scale-in') return {};
  const paces = nodes.map((node): [string, PaceView] => {
    const isFrom = ({ from }: { readonly from: string }) => from === node;
    return [node, paceOf(work.pending.filter(isFrom), work.flying.filter(isFrom), now)];
  });
  return Object.fromEntries(paces.filter(([, { bytesLeft }]) => bytesLeft > 0));
}

export function viewJob(job: Job, left: Left | undefined, now: number): JobView {
  const { id, kind, state, phase, launch, reasons, priority, paused } = job;
  const nodes = [...new Set([...job.nodes, ...job.damaged.map(({ node }) => node)])];
  const { movesPlanned, movesRetried, movesFailed, bytesPlanned, bytesMinimum } = job;
  return {
    ...{ id, kind, state, phase, nodes, launch, reasons, priority },
    paused: paused && isRunning(job),
    deadline: isoOf(job.deadline),
    ...{ movesPlanned, movesRetried, movesFailed, bytesPlanned, bytesMinimum },
    movesDone: left === undefined ? job.movesDone : Math.max(0, movesPlanned - left.moves),
    movesInFlight: left?.movesInFlight ?? 0,
    ...progressOf(job, left, now),
    leaving: left?.leaving ?? {},
    stillMs: left?.stillMs ?? 0,
    waitsFor: left?.waitsFor ?? (paused && isRunning(job) ? [pausedWords] : []),
    startedAt: new Date(job.startedAt).toISOString(),
    endedAt: isoOf(job.endedAt),
    seconds: secondsOf(job, now),
  };
}

const isoOf = (ms: number): string | null => (ms > 0 ? new Date(ms).toISOString() : null);

const secondsOf = ({ endedAt, startedAt }: Job, now: number): number =>
  ((endedAt || now) - startedAt) / 1_000;

type Progress = Pick<
  JobView,
  'bytesDone' | 'bytesLeft' | 'bytesPerSecond' | 'bytesPerSecondRecent' | 'secondsLeft' | 'estimate'
>;

function progressOf(job: Job, left: Left | undefined, now: number): Progress {
  const { bytesPlanned } = job;
  const bytesLeft = left?.pace.bytesLeft ?? Math.max(0, bytesPlanned - job.bytesDone);
  const bytesDone = left === undefined ? job.bytesDone : Math.max(0, bytesPlanned - bytesLeft);
  const perSecond = (seconds: number) => (seconds > 0 ? Math.round(bytesDone / seconds) : 0);
  const moving = ((job.movedAt || job.endedAt || now) - (job.movingSince || job.startedAt)) / 1_000;
  const recent = left?.pace.bytesPerSecond || perSecond(moving);
  const tells = isRunning(job) && left?.isHeld !== true;
  const secondsLeft = tells ? secondsFor({ bytesLeft, bytesPerSecond: recent }) : null;
  return {
    bytesDone,
    bytesLeft: isRunning(job) ? bytesLeft : 0,
    bytesPerSecond: perSecond(secondsOf(job, now)),
    bytesPerSecondRecent: recent,
    secondsLeft,
    estimate:
      isRunning(job) && job.movedAt === 0 && left?.isHeld !== true
        ? estimateLeft(job, secondsLeft, now)
        : null,
  };
}
