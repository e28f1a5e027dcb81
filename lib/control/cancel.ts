import { BatchRecord, FlightRecord, MovesRecord, PendingRecord } from '../contract/job-records.ts';
import { batchKey, flightKey, movesKey, pendingKey } from '../contract/keys.ts';
import { type BatchId, batchId, type JobId, jobId } from '../core/ids.ts';
import { cancelJob, type Job, listFlights, listJobs } from './jobs.ts';
import { tombstoneSeconds } from './limits.ts';
import type { Op, Ports } from './ports.ts';

/** A batch of a plan that a running job names. */
export interface FoundBatch {
  readonly job: Job;
  readonly batch: BatchId;
}

/** What became of a wish to cancel: `over` when there is nothing left to stop. */
export type Cancelled = 'cancelled' | 'in-flight' | 'over';

/** Tries to cancel a batch between whose looks others start, commit or end it. */
const triesMax = 5;

/** A batch is named by its plan's attempt, and the attempt by its job. */
export async function findBatch(ports: Ports, name: string): Promise<FoundBatch | undefined> {
  const attempt = name.split('-')[0]!;
  const jobs = await listJobs(ports.tables);
  const job = jobs.find((each) => each.state === 'running' && each.attempt === attempt);
  return job === undefined || attempt === '' ? undefined : { job, batch: batchId(name) };
}

/**
 * Gives a batch up, whether it waits or flies. What it has committed stays; its worker sees at its next
 * commit that the flight is gone, abandons the pull and takes back what was copied for nothing.
 */
export async function cancelBatch(ports: Ports, { job, batch }: FoundBatch): Promise<Cancelled> {
  for (let tried = 1; tried <= triesMax; tried++) {
    const keys = [movesKey(job.id, batch), pendingKey(job.id, batch), flightKey(batch)];
    const [list, pending, flying] = await ports.tables.get(keys);
    if (list === undefined || (pending === undefined && flying === undefined)) return 'over';
    const planned = MovesRecord.parse(list).moves.length;
    const { ops, done } =
      flying === undefined
        ? stopWaiting(job.id, batch, PendingRecord.parse(pending))
        : stopFlight(batch, FlightRecord.parse(flying));
    const result = await ports.tables.write([...ops, endOp(ports, { job, batch }, planned, done)]);
    if (result.kind === 'committed') return 'cancelled';
  }
  return 'in-flight';
}

type Done = Pick<BatchRecord, 'movesDone' | 'bytesDone' | 'startedAt'>;

const stopWaiting = (job: JobId, batch: BatchId, { bytes }: PendingRecord) => ({
  ops: [{ op: 'delete', key: pendingKey(job, batch), when: { bytes } }] as const,
  done: { movesDone: 0, bytesDone: 0, startedAt: 0 },
});

/** Under the count of what was committed: a commit that comes first is counted, one that comes later refused. */
const stopFlight = (
  batch: BatchId,
  { token, movesDone, bytesDone, startedAt }: FlightRecord,
): { readonly ops: readonly Op[]; readonly done: Done } => ({
  ops: [{ op: 'delete', key: flightKey(batch), when: { token, movesDone } }],
  done: { movesDone, bytesDone, startedAt },
});

const endOp = (ports: Ports, { job, batch }: FoundBatch, planned: number, done: Done): Op => ({
  op: 'update',
  key: batchKey(job.id, batch),
  set: {
    ...done,
    state: 'ended',
    movesCancelled: planned - done.movesDone,
    endedAt: ports.now(),
    expiresAt: Math.floor(ports.now() / 1_000) + tombstoneSeconds,
  },
  when: { state: 'planned' },
});

/** Gives one move up while its batch waits: the batch goes without it. */
export async function cancelMove(
  ports: Ports,
  found: FoundBatch,
  index: number,
): Promise<Cancelled> {
  const { job, batch } = found;
  const [body, list, pending] = await ports.tables.get([
    batchKey(job.id, batch),
    movesKey(job.id, batch),
    pendingKey(job.id, batch),
  ]);
  if (body === undefined || list === undefined) return 'over';
  const { state, cancelled } = BatchRecord.parse(body);
  const move = MovesRecord.parse(list).moves[index];
  if (move === undefined || state === 'ended' || cancelled.includes(index)) return 'over';
  if (pending === undefined) return 'in-flight';
  const waits = PendingRecord.parse(pending);
  if (waits.moves === 1) return cancelBatch(ports, found);
  const given = [...cancelled, index];
  const result = await ports.tables.write([
    {
      op: 'update',
      key: pendingKey(job.id, batch),
      set: { moves: waits.moves - 1, bytes: waits.bytes - move.bytes },
      when: { moves: waits.moves },
    },
    {
      op: 'update',
      key: batchKey(job.id, batch),
      set: { cancelled: given, movesCancelled: given.length },
      when: { state: 'planned' },
    },
  ]);
  return result.kind === 'committed' ? 'cancelled' : 'in-flight';
}

/** Ends a job and stops what of it is under way. @returns whether it was running */
export async function cancelAllOf(ports: Ports, job: Job): Promise<boolean> {
  const wasRunning = await cancelJob(ports, job.id);
  const flights = await listFlights(ports.tables);
  for (const flight of flights.filter((each) => jobId(each.job) === job.id))
    await cancelBatch(ports, { job, batch: flight.batch });
  return wasRunning;
}

/** Keeps a batch that waits from being sent, or lets it go. @returns whether it waits */
export async function setBatchPaused(
  ports: Ports,
  { job, batch }: FoundBatch,
  paused: boolean,
): Promise<boolean> {
  const key = pendingKey(job.id, batch);
  const [item] = await ports.tables.get([key]);
  if (item === undefined) return false;
  const { moves } = PendingRecord.parse(item);
  const result = await ports.tables.write([
    { op: 'update', key, set: { paused }, when: { moves } },
  ]);
  return result.kind === 'committed';
}
