import type { NewEvent } from '../contract/events.ts';
import { FlightRecord, JobRecord } from '../contract/job-records.ts';
import {
  batchOfKey,
  flightPartition,
  flightPrefix,
  jobKey,
  jobOfKey,
  jobPartition,
} from '../contract/keys.ts';
import type { BatchId, JobId } from '../core/ids.ts';
import type { JobKind } from '../core/plan.ts';
import { eventOp } from './events.ts';
import { tombstoneSeconds } from './limits.ts';
import { queryAll } from './pages.ts';
import type { Ports, Tables, WorkflowName } from './ports.ts';
import { writeKnown } from './write-known.ts';

export interface Job extends JobRecord {
  readonly id: JobId;
}

export async function readJob(tables: Tables, job: JobId): Promise<Job | undefined> {
  const [item] = await tables.get([jobKey(job)]);
  return item === undefined ? undefined : { ...JobRecord.parse(item), id: job };
}

/** Every job that is remembered, oldest first. */
export async function listJobs(tables: Tables): Promise<readonly Job[]> {
  const items = await queryAll(tables, 'placement', jobPartition);
  return items.map((item) => ({ ...JobRecord.parse(item), id: jobOfKey(item.sk) }));
}

export interface FlightView extends FlightRecord {
  readonly batch: BatchId;
}

export async function listFlights(tables: Tables): Promise<readonly FlightView[]> {
  const items = await queryAll(tables, 'placement', flightPartition, flightPrefix);
  return items.map((item) => ({ ...FlightRecord.parse(item), batch: batchOfKey(item.sk) }));
}

export const workflowOf = (kind: JobKind): WorkflowName => (kind === 'scale-in' ? 'drain' : kind);

export type JobChanges = Partial<
  Pick<
    JobRecord,
    | 'state'
    | 'phase'
    | 'reasons'
    | 'generation'
    | 'attempt'
    | 'endedAt'
    | 'nodes'
    | 'undo'
    | 'damaged'
  >
> &
  Partial<
    Pick<
      JobRecord,
      | 'movesPlanned'
      | 'bytesPlanned'
      | 'bytesMinimum'
      | 'movesDone'
      | 'bytesDone'
      | 'movesRetried'
      | 'movesFailed'
      | 'estimateP50Ms'
      | 'estimateP90Ms'
      | 'moveBoundMs'
      | 'movingSince'
      | 'movedAt'
      | 'movesCancelled'
    >
  >;

/** Changes a job that is still running, under the generation that was read. */
export async function changeJob(
  ports: Ports,
  job: Job,
  changes: JobChanges,
): Promise<'changed' | 'stale'> {
  const operation = ports.newId();
  const outcome = await writeKnown(
    ports.tables,
    [
      {
        op: 'update',
        key: jobKey(job.id),
        set: { ...changes, lastOp: operation },
        when: { state: 'running', generation: job.generation },
      },
      ...(isNewlyBlocked(job, changes)
        ? [eventOp(operation, blockOf({ ...job, ...changes }), ports.now())]
        : []),
    ],
    operation,
  );
  return outcome === 'committed' ? 'changed' : 'stale';
}

const blockedPhase = 'blocked';

const isNewlyBlocked = (job: Job, { phase }: JobChanges): boolean =>
  phase === blockedPhase && job.phase !== blockedPhase;

const blockOf = ({ id, kind, nodes, reasons }: Job): NewEvent => ({
  type: 'Job Blocked',
  detail: { job: id, kind, nodes, reasons },
});

/** Says what the job does now, when that is news. */
export async function tellPhase(ports: Ports, job: Job, phase: string): Promise<void> {
  if (job.phase !== phase) await changeJob(ports, job, { phase });
}

/** Ends a job once: the first end counts. An undo still reaches a job that was cancelled before. */
export async function endJob(
  ports: Ports,
  job: Job,
  state: Exclude<JobRecord['state'], 'running'>,
  changes: JobChanges = {},
): Promise<void> {
  const before = changes.undo === true ? (['running', 'cancelled'] as const) : ['running'];
  const operation = ports.newId();
  const now = ports.now();
  const expiresAt = Math.floor(now / 1000) + tombstoneSeconds;
  const ended = { ...changes, state, phase: state, endedAt: now, expiresAt, lastOp: operation };
  await writeKnown(
    ports.tables,
    [
      { op: 'update', key: jobKey(job.id), set: ended, when: { state: { oneOf: before } } },
      eventOp(operation, endOf({ ...job, ...changes }, state), now),
    ],
    operation,
  );
}

const endOf = (job: Job, state: Exclude<JobRecord['state'], 'running'>): NewEvent => {
  const { id, kind, nodes, movesPlanned, movesDone, movesFailed, bytesDone } = job;
  const { startedAt, deadline, reasons } = job;
  const totals = { movesPlanned, movesDone, movesFailed, bytesDone };
  return {
    type: 'Job Ended',
    detail: { job: id, kind, state, nodes, ...totals, startedAt, deadline, reasons },
  };
};

/** Cancels a job: its steps see it and give its nodes back. @returns whether it was running */
export async function cancelJob(ports: Ports, job: JobId): Promise<boolean> {
  const found = await readJob(ports.tables, job);
  if (found?.state !== 'running') return false;
  await endJob(ports, found, 'cancelled');
  return true;
}
