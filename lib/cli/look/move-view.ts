import {
  BatchRecord,
  type FlightRecord,
  type MoveRecord,
  MovesRecord,
} from '../../contract/job-records.ts';
import { batchKey, batchOfKey, batchPartition, movesKey } from '../../contract/keys.ts';
import type { ChunkRecord } from '../../contract/records.ts';
import { readChunks } from '../../control/chunks.ts';
import { type FlightView, type Job, listFlights, readJob } from '../../control/jobs.ts';
import { queryAll } from '../../control/pages.ts';
import type { Tables } from '../../control/ports.ts';
import { type BatchId, chunkId, jobId } from '../../core/ids.ts';
import { isInPlace } from '../../core/plan.ts';

/** A move as people and scripts see it. Moments are ISO 8601, sizes bytes, rates bytes a second. */
export interface MoveView {
  /** Of its batch, and its number in it: what `cancel` takes. */
  readonly id: string;
  readonly job: string;
  readonly chunk: string;
  readonly slot: number;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly status: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';
  readonly urgency: string;
  /** 1 to 10. */
  readonly priority: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Copied, verified and committed. */
  readonly bytesDone: number;
  /** Of its batch since that was sent. */
  readonly bytesPerSecond: number;
  readonly error: string | null;
}

interface Listed {
  readonly batch: BatchId;
  readonly job: Job | undefined;
  readonly record: BatchRecord;
  readonly flight: FlightRecord | undefined;
}

export interface BatchInView extends Listed {
  readonly moves: readonly MoveRecord[];
}

/** Moves of the batches in flight: one read of each batch, and of the placements of its chunks. */
export async function readMovesInFlight(tables: Tables, now: number): Promise<readonly MoveView[]> {
  const flights = await listFlights(tables);
  const bodies = await tables.get(flights.map(({ job, batch }) => batchKey(jobId(job), batch)));
  const ids = [...new Set(flights.map(({ job }) => job))];
  const jobs = await Promise.all(ids.map((id) => readJob(tables, jobId(id))));
  const batches = flights.flatMap((flight, i): Listed[] => {
    const body = bodies[i];
    if (body === undefined) return [];
    const job = jobs[ids.indexOf(flight.job)];
    return [{ batch: flight.batch, job, record: BatchRecord.parse(body), flight }];
  });
  return viewAll(tables, batches, now);
}

/** Every move of the plans of a job, in their order. */
export async function readMovesOf(
  tables: Tables,
  job: Job,
  now: number,
): Promise<readonly MoveView[]> {
  const flights = new Map<string, FlightView>(
    (await listFlights(tables)).map((flight) => [flight.batch, flight]),
  );
  const items = await queryAll(tables, 'placement', batchPartition(job.id), 'B#');
  const batches = items.map((item): Listed => {
    const batch = batchOfKey(item.sk);
    return { batch, job, record: BatchRecord.parse(item), flight: flights.get(batch) };
  });
  return viewAll(tables, batches, now);
}

async function viewAll(
  tables: Tables,
  listed: readonly Listed[],
  now: number,
): Promise<readonly MoveView[]> {
  const lists = await tables.get(
    listed.map(({ job, flight, batch }) => movesKey(jobId(job?.id ?? flight?.job ?? ''), batch)),
  );
  const batches = listed.map((batch, i): BatchInView => {
    const list = lists[i];
    return { ...batch, moves: list === undefined ? [] : MovesRecord.parse(list).moves };
  });
  const chunks = batches.flatMap(({ moves }) => moves.map(({ chunk }) => chunkId(chunk)));
  const placements = await readChunks(tables, chunks);
  let first = 0;
  return batches.flatMap((batch) => {
    first += batch.moves.length;
    return viewMoves(batch, placements.slice(first - batch.moves.length, first), now);
  });
}

/** @param placements of the moves' chunks, in their order */
export function viewMoves(
  { batch, job, record, flight, moves }: BatchInView,
  placements: readonly (ChunkRecord | undefined)[],
  now: number,
): readonly MoveView[] {
  const startedAt = flight?.startedAt ?? record.startedAt;
  const bytesDone = flight?.bytesDone ?? record.bytesDone;
  const seconds = ((record.endedAt || now) - startedAt) / 1_000;
  const { from, to, urgency, endedAt } = record;
  return moves.map(({ chunk, slot, bytes }, i) => {
    const isThere = isInPlace(record)
      ? record.state === 'ended' && !record.failures.some(isAbout(chunk))
      : placements[i]?.holders[slot] === to;
    const status = isThere ? 'completed' : statusOf(record, flight, i);
    return {
      ...{ id: `${batch}/${i}`, job: job?.id ?? flight?.job ?? '', chunk, slot, from, to, bytes },
      ...{ status, urgency, priority: job?.priority ?? 0 },
      startedAt: momentOf(startedAt),
      endedAt: momentOf(endedAt),
      bytesDone: status === 'completed' ? bytes : 0,
      bytesPerSecond: startedAt > 0 && seconds > 0 ? Math.round(bytesDone / seconds) : 0,
      error: status === 'failed' ? errorOf(record, chunk) : null,
    };
  });
}

const momentOf = (ms: number): string | null => (ms > 0 ? new Date(ms).toISOString() : null);

function statusOf(
  record: BatchRecord,
  flight: FlightRecord | undefined,
  index: number,
): Exclude<MoveView['status'], 'completed'> {
  if (record.cancelled.includes(index)) return 'cancelled';
  if (record.state === 'planned') return flight === undefined ? 'pending' : 'running';
  return record.movesCancelled > record.cancelled.length ? 'cancelled' : 'failed';
}

const isAbout = (chunk: string) => (failure: string) => failure.startsWith(`${chunk}: `);

/** A batch keeps the first few failures, each with the chunk in front. */
const errorOf = ({ failures }: BatchRecord, chunk: string): string =>
  failures.find(isAbout(chunk))?.slice(chunk.length + 2) ??
  failures.find((failure) => !failure.includes(': ')) ??
  'not copied: it is planned again';
