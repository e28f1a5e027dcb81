import { batchPartition, pendingPrefixOf } from '../../contract/keys.ts';
import { PendingRecord } from '../../contract/records.ts';
import { type FlightView, type Job, listFlights } from '../../control/jobs.ts';
import { queryAll } from '../../control/pages.ts';
import type { Tables } from '../../control/ports.ts';

/** A job as people and scripts see it. Moments are ISO 8601, sizes bytes, rates bytes a second. */
export interface JobView {
  readonly id: string;
  readonly kind: Job['kind'];
  readonly state: Job['state'];
  readonly phase: string;
  readonly nodes: readonly string[];
  readonly launch: Job['launch'];
  readonly reasons: readonly string[];
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
  /** Null while nothing tells. */
  readonly secondsLeft: number | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly seconds: number;
}

/** What is left of a running job: batches that wait, and what its flights have not done yet. */
interface Left {
  readonly moves: number;
  readonly bytes: number;
  readonly movesInFlight: number;
}

/** Jobs with their live progress: it is summed from what waits and flies, not from a scan of the moves. */
export async function viewJobs(
  tables: Tables,
  jobs: readonly Job[],
  now: number,
): Promise<readonly JobView[]> {
  return viewJobsAmong(tables, jobs, jobs.some(isRunning) ? await listFlights(tables) : [], now);
}

/** As {@link viewJobs}, for one who has read what is in flight. */
export const viewJobsAmong = (
  tables: Tables,
  jobs: readonly Job[],
  flights: readonly FlightView[],
  now: number,
): Promise<readonly JobView[]> =>
  Promise.all(jobs.map(async (job) => viewJob(job, await leftOf(tables, job, flights), now)));

const isRunning = (job: Job): boolean => job.state === 'running';

async function leftOf(
  tables: Tables,
  job: Job,
  flights: readonly FlightView[],
): Promise<Left | undefined> {
  if (!isRunning(job) || job.attempt === '') return undefined;
  const prefix = pendingPrefixOf(job.attempt);
  const pending = (await queryAll(tables, 'placement', batchPartition(job.id), prefix)).map(
    (item) => PendingRecord.parse(item),
  );
  const flying = flights.filter((flight) => flight.job === job.id);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const movesInFlight = sum(flying.map(({ moves, movesDone }) => moves - movesDone));
  return {
    movesInFlight,
    moves: movesInFlight + sum(pending.map(({ moves }) => moves)),
    bytes: sum([
      ...pending.map(({ bytes }) => bytes),
      ...flying.map(({ bytes, bytesDone }) => bytes - bytesDone),
    ]),
  };
}

export function viewJob(job: Job, left: Left | undefined, now: number): JobView {
  const bytesLeft = left?.bytes ?? Math.max(0, job.bytesPlanned - job.bytesDone);
  const bytesDone = left === undefined ? job.bytesDone : Math.max(0, job.bytesPlanned - bytesLeft);
  const seconds = ((job.endedAt || now) - job.startedAt) / 1_000;
  const bytesPerSecond = seconds > 0 ? Math.round(bytesDone / seconds) : 0;
  const tells = isRunning(job) && bytesLeft > 0 && bytesPerSecond > 0;
  const { id, kind, state, phase, nodes, launch, reasons } = job;
  const { movesPlanned, movesRetried, movesFailed, bytesPlanned, bytesMinimum } = job;
  return {
    ...{ id, kind, state, phase, nodes, launch, reasons },
    ...{ movesPlanned, movesRetried, movesFailed, bytesPlanned, bytesMinimum },
    movesDone: left === undefined ? job.movesDone : Math.max(0, movesPlanned - left.moves),
    movesInFlight: left?.movesInFlight ?? 0,
    bytesDone,
    bytesLeft: isRunning(job) ? bytesLeft : 0,
    bytesPerSecond,
    secondsLeft: tells ? Math.ceil(bytesLeft / bytesPerSecond) : null,
    startedAt: new Date(job.startedAt).toISOString(),
    endedAt: job.endedAt > 0 ? new Date(job.endedAt).toISOString() : null,
    seconds,
  };
}
