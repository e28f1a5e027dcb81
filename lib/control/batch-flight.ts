import {
  BatchRecord,
  FlightRecord,
  JobRecord,
  type MoveRecord,
  MovesRecord,
} from '../contract/job-records.ts';
import { batchKey, flightKey, jobKey, movesKey, policyKey } from '../contract/keys.ts';
import type { BatchMessage } from '../contract/messages.ts';
import type { Policy } from '../contract/policy.ts';
import { batchId, jobId } from '../core/ids.ts';
import type { Carried } from './commit-moves.ts';
import { eventOp } from './events.ts';
import { tombstoneSeconds } from './limits.ts';
import { outcomeOps } from './outcomes.ts';
import { policyOver } from './policy.ts';
import type { Ports, WriteResult } from './ports.ts';

/** Tries to end a batch while another worker commits for it; the last one of them ends it. */
const endsMax = 4;
/** Failures whose text a batch keeps. */
const failuresKept = 5;

/** A batch as its worker found it. */
export interface Flight {
  readonly message: BatchMessage;
  readonly batch: BatchRecord;
  readonly moves: readonly MoveRecord[];
  readonly flight: FlightRecord;
  readonly job: Pick<JobRecord, 'deadline' | 'damaged'>;
  /** In force. */
  readonly policy: Policy;
}

/** What a batch got done, and how many of its moves had nothing left to do when its worker began. */
export interface Outcome extends Carried {
  readonly over: number;
  /** Whether its source has copies that go once their parking is over. */
  readonly parked: 'to-sweep' | 'nothing';
}

/** The batch, unless it is over or a newer message has taken its place. */
export async function readFlight(ports: Ports, message: BatchMessage): Promise<Flight | undefined> {
  const batch = batchId(message.batch);
  const job = jobId(message.job);
  const [body, list, flying, asking, wish] = await ports.tables.get([
    batchKey(job, batch),
    movesKey(job, batch),
    flightKey(batch),
    jobKey(job),
    policyKey,
  ]);
  if (flying === undefined) return undefined;
  const flight = FlightRecord.parse(flying);
  if (flight.token !== message.token) return undefined;
  if (body === undefined || list === undefined) {
    // Its job was forgotten long ago: it holds a place in the budgets for nothing.
    await ports.tables.write([{ op: 'delete', key: flightKey(batch) }]);
    return undefined;
  }
  return {
    message,
    batch: BatchRecord.parse(body),
    moves: MovesRecord.parse(list).moves,
    flight,
    job: asking === undefined ? { deadline: 0, damaged: [] } : JobRecord.parse(asking),
    policy: policyOver(ports, wish),
  };
}

/**
 * Closes the batch: nothing of it is in flight any more. What it did not move is planned again. The same
 * message twice at once makes two workers: the flight counts what both committed, so the end is written
 * under that count.
 */
export async function endFlight(ports: Ports, flight: Flight, carried: Outcome): Promise<void> {
  const { movesDone, bytesDone } = flight.flight;
  let now: Tally | undefined = {
    movesDone: movesDone + carried.moves,
    bytesDone: bytesDone + carried.bytes,
  };
  for (let tried = 1; now !== undefined && tried <= endsMax; tried++) {
    if ((await writeEnd(ports, flight, carried, now)) === 'committed') return;
    now = (await readFlight(ports, flight.message))?.flight;
  }
}

/** Moves that it neither committed nor found over. */
export const leftOf = ({ batch, moves }: Flight, carried: Outcome): number =>
  moves.length - batch.cancelled.length - carried.moves - carried.over;

type Tally = Pick<FlightRecord, 'movesDone' | 'bytesDone'>;

async function writeEnd(
  ports: Ports,
  { message, batch, moves, flight }: Flight,
  { failures, over }: Outcome,
  { movesDone, bytesDone }: Tally,
): Promise<WriteResult['kind']> {
  const id = batchId(message.batch);
  // Over is also what a worker before this one had committed; what another committed since is no part of it.
  const open = moves.length - batch.cancelled.length - movesDone - failures.length;
  const ended = {
    ...batch,
    state: 'ended',
    movesDone,
    bytesDone,
    movesRetried: failures.length,
    movesVoid: Math.max(0, Math.min(over - flight.movesDone, open)),
    failures: failures.slice(0, failuresKept),
    startedAt: flight.startedAt,
    endedAt: ports.now(),
    expiresAt: Math.floor(ports.now() / 1000) + tombstoneSeconds,
  };
  const failed = {
    type: 'Moves Failed',
    detail: {
      ...{ job: message.job, batch: message.batch, from: batch.from, to: batch.to },
      ...{ moves: moves.length, movesDone, movesFailed: failures.length },
      failures: failures.slice(0, failuresKept),
    },
  } as const;
  const result = await ports.tables.write([
    { op: 'delete', key: flightKey(id), when: { token: message.token, movesDone } },
    { op: 'put', key: batchKey(jobId(message.job), id), fields: ended },
    ...outcomeOps(ports, id, flight, bytesDone),
    ...(failures.length === 0 ? [] : [eventOp(`${id}-${message.token}`, failed, ports.now())]),
  ]);
  return result.kind;
}
