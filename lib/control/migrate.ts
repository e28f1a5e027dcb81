import type { PullEvent, Receipt } from '../contract/agent.ts';
import {
  batchKey,
  batchPartition,
  flightKey,
  movesKey,
  pendingPrefixOf,
} from '../contract/keys.ts';
import type { BatchMessage } from '../contract/messages.ts';
import {
  BatchRecord,
  type ChunkRecord,
  FlightRecord,
  type MoveRecord,
  MovesRecord,
} from '../contract/records.ts';
import { batchId, chunkId, jobId, nodeId } from '../core/ids.ts';
import { servesReads, takesCopies } from '../core/lifecycle.ts';
import { takeBackCancelled } from './cancel.ts';
import { holdersOf, readChunks } from './chunks.ts';
import { type Carried, commitMoves, type Due } from './commit-moves.ts';
import { eventOp } from './events.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { chunksPerCommit, tombstoneSeconds } from './limits.ts';
import { outcomeOps } from './outcomes.ts';
import { pace } from './pace.ts';
import {
  NodeRefused,
  NodeUnreachable,
  type Ports,
  type PullChunk,
  type WriteResult,
} from './ports.ts';

/** What a worker needs to stop in good time. */
export interface WorkerLimits {
  remainingMs(): number;
}

/** A worker that has less time left than this starts nothing more: a commit and the end of the batch fit. */
const remainingMsMin = 10_000;
/** Tries to end a batch while another worker commits for it; the last one of them ends it. */
const endsMax = 4;
/** A commit shows life: a slow batch has so many in the time after which silence counts as death. */
const commitsPerLimit = 2;
/** Failures whose text a batch keeps. */
const failuresKept = 5;

interface Flight {
  readonly message: BatchMessage;
  readonly batch: BatchRecord;
  readonly moves: readonly MoveRecord[];
  readonly flight: FlightRecord;
}

/**
 * Carries one batch: its destination pulls, verifies and makes durable; commits follow group by group. May
 * be killed anywhere and run any number of times at once: each commit is fenced, what is not committed is
 * planned again.
 */
export async function migrate(
  ports: Ports,
  message: BatchMessage,
  limits: WorkerLimits,
): Promise<void> {
  const flight = await readFlight(ports, message);
  if (flight === undefined) return;
  const carried = await carry(ports, flight, limits);
  if (carried === 'superseded') await takeBackCancelled(ports, message, flight);
  else await endFlight(ports, flight, carried);
  // A lost hint costs time only: the schedule sweeps too.
  await ports.queues.sweep([nodeId(flight.batch.from)], ports.policy.parkingMs);
  if (await moreWaits(ports, message)) await pace(ports);
}

/** Whether the batch's own plan has batches to send: what other jobs wait for is paced by their batches. */
async function moreWaits(ports: Ports, { job, batch }: BatchMessage): Promise<boolean> {
  const prefix = pendingPrefixOf(batchId(batch));
  const waiting = await ports.tables.query('placement', batchPartition(jobId(job)), { prefix });
  return waiting.items.length > 0 || waiting.next !== undefined;
}

/** The batch, unless it is over or a newer message has taken its place. */
async function readFlight(ports: Ports, message: BatchMessage): Promise<Flight | undefined> {
  const batch = batchId(message.batch);
  const job = jobId(message.job);
  const [body, list, flying] = await ports.tables.get([
    batchKey(job, batch),
    movesKey(job, batch),
    flightKey(batch),
  ]);
  if (flying === undefined) return undefined;
  const flight = FlightRecord.parse(flying);
  if (flight.token !== message.token) return undefined;
  if (body === undefined || list === undefined) {
    // Its job was forgotten long ago: it holds a place in the budgets for nothing.
    await ports.tables.write([{ op: 'delete', key: flightKey(batch) }]);
    return undefined;
  }
  const { moves } = MovesRecord.parse(list);
  return { message, batch: BatchRecord.parse(body), moves, flight };
}

async function carry(
  ports: Ports,
  { message, batch, moves, flight }: Flight,
  limits: WorkerLimits,
): Promise<Carried | 'superseded'> {
  const nodes = await readNodes(ports.tables);
  const to = nodes.find((node) => node.id === batch.to);
  const due = await dueMoves(ports, batch, moves);
  if (due.length === 0) return nothingCarried;
  if (to === undefined || !takesCopies(to.state)) {
    return {
      ...nothingCarried,
      failures: due.map(({ move }) => `${move.chunk}: ${batch.to} takes no copies`),
    };
  }
  const from = nodes.find((node) => node.id === batch.from);
  const wanted = due.map((each) => pullOf(each, from));
  const pulled = ports.nodes.pull(addressOf(to), sourcesOf(nodes, due), wanted, flight.rate);
  const commit = (group: readonly Due[]) =>
    commitMoves(ports, { ...message, from: nodeId(batch.from), to, group });
  return commitAsReceived(ports, { pulled, due, to }, commit, limits);
}

const nothingCarried: Carried = { moves: 0, bytes: 0, failures: [] };

interface Pull {
  readonly pulled: AsyncIterable<PullEvent>;
  readonly due: readonly Due[];
  readonly to: NodeView;
}

/** Commits in groups while more arrives; what arrived is committed even when the pull breaks. */
async function commitAsReceived(
  ports: Ports,
  { pulled, due, to }: Pull,
  commit: (group: readonly Due[]) => Promise<Carried | 'superseded'>,
  limits: WorkerLimits,
): Promise<Carried | 'superseded'> {
  let total = nothingCarried;
  const waiting: Due[] = [];
  let committedAt = ports.now();
  try {
    for await (const event of pulled) {
      const failure = note(event, due, to, waiting);
      if (failure !== undefined) total = plus(total, { ...nothingCarried, failures: [failure] });
      const late = ports.now() - committedAt >= ports.policy.flightLimitMs / commitsPerLimit;
      if (waiting.length >= chunksPerCommit || (waiting.length > 0 && late)) {
        const outcome = await commit(waiting.splice(0, chunksPerCommit));
        if (outcome === 'superseded') return outcome;
        total = plus(total, outcome);
        committedAt = ports.now();
      }
      if (limits.remainingMs() < remainingMsMin) break;
    }
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    total = plus(total, { ...nothingCarried, failures: [error.message] });
  }
  while (waiting.length > 0) {
    const outcome = await commit(waiting.splice(0, chunksPerCommit));
    if (outcome === 'superseded') return outcome;
    total = plus(total, outcome);
  }
  return total;
}

const plus = (left: Carried, right: Carried): Carried => ({
  moves: left.moves + right.moves,
  bytes: left.bytes + right.bytes,
  failures: [...left.failures, ...right.failures],
});

/** Drops what is done already, or was removed, or moved elsewhere since it was planned. */
async function dueMoves(
  ports: Ports,
  batch: BatchRecord,
  moves: readonly MoveRecord[],
): Promise<readonly Due[]> {
  const records = await readChunks(
    ports.tables,
    moves.map(({ chunk }) => chunkId(chunk)),
  );
  return moves.flatMap((move, i) => {
    const record = records[i];
    const due =
      !batch.cancelled.includes(i) &&
      record?.state === 'live' &&
      record.holders[move.slot] === batch.from &&
      !record.holders.includes(batch.to);
    return due ? [{ move, record }] : [];
  });
}

const sourcesOf = (nodes: readonly NodeView[], due: readonly Due[]) => {
  const holders = new Set(due.flatMap(({ record }) => record.holders));
  return nodes.filter((node) => holders.has(node.id) && servesReads(node.state)).map(addressOf);
};

/** From the node that gives the slot up if it still serves, else from any other holder. */
function pullOf({ move, record }: Due, from: NodeView | undefined): PullChunk {
  const holders = holdersOf(record);
  const first = holders.filter((holder) => holder === from?.id);
  return {
    chunk: chunkId(move.chunk),
    slot: move.slot,
    size: record.size,
    sha256: record.sha256,
    epoch: record.version + 1,
    holders: [...first, ...holders.filter((holder) => holder !== from?.id)],
  };
}

/** Puts what arrived among what waits for its commit. @returns why a chunk did not arrive, if so */
function note(
  event: PullEvent,
  due: readonly Due[],
  to: NodeView,
  waiting: Due[],
): string | undefined {
  if (event.event === 'progress') return undefined;
  if (event.event === 'failed') return `${event.chunk}: ${event.reason}: ${event.message}`;
  const match = due.find(({ move }) => move.chunk === event.receipt.chunk);
  if (match === undefined || waiting.includes(match)) return undefined;
  const fault = receiptFault(event.receipt, match.record, to);
  if (fault !== undefined) return `${event.receipt.chunk}: ${fault}`;
  waiting.push(match);
  return undefined;
}

/** A receipt counts only for the bytes and the epoch that were asked for, on the disk that joined. */
function receiptFault(receipt: Receipt, record: ChunkRecord, to: NodeView): string | undefined {
  if (receipt.sha256 !== record.sha256)
    return `received checksum ${receipt.sha256}, not ${record.sha256}`;
  if (receipt.epoch !== record.version + 1) return `received epoch ${receipt.epoch}`;
  if (receipt.incarnation !== to.incarnation) return `received on another disk of ${to.id}`;
  return undefined;
}

/**
 * Closes the batch: nothing of it is in flight any more. What it did not move is planned again. The same
 * message twice at once makes two workers: the flight counts what both committed, so the end is written
 * under that count.
 */
async function endFlight(ports: Ports, flight: Flight, carried: Carried): Promise<void> {
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

type Tally = Pick<FlightRecord, 'movesDone' | 'bytesDone'>;

async function writeEnd(
  ports: Ports,
  { message, batch, moves, flight }: Flight,
  { failures }: Carried,
  { movesDone, bytesDone }: Tally,
): Promise<WriteResult['kind']> {
  const id = batchId(message.batch);
  const ended = {
    ...batch,
    state: 'ended',
    movesDone,
    bytesDone,
    movesRetried: failures.length,
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
