import type { PullEvent, Receipt } from '../contract/agent.ts';
import { batchKey, flightKey, jobKey, movesKey, policyKey } from '../contract/keys.ts';
import type { BatchMessage } from '../contract/messages.ts';
import type { Policy } from '../contract/policy.ts';
import {
  BatchRecord,
  FlightRecord,
  JobRecord,
  type MoveRecord,
  MovesRecord,
} from '../contract/records.ts';
import { batchId, chunkId, jobId, nodeId } from '../core/ids.ts';
import { takesCopies } from '../core/lifecycle.ts';
import { readChunks, slotSha256 } from './chunks.ts';
import { fenceOff } from './collect.ts';
import { type Carried, commitMoves, type Due } from './commit-moves.ts';
import { eventOp } from './events.ts';
import { addressOf, type NodeView, readFleet, readNodes } from './fleet.ts';
import { chunksPerCommit, tombstoneSeconds } from './limits.ts';
import { parkedOn } from './outbox.ts';
import { outcomeOps } from './outcomes.ts';
import { paceAfter } from './pace.ts';
import { policyOver } from './policy.ts';
import { NodeRefused, NodeUnreachable, type Ports, type WriteResult } from './ports.ts';
import { inPulls, isCoded, pullsOf, sourcesOf } from './supply.ts';
import { takeBackCopies, takeBackUnlessRunning } from './take-back.ts';

/** What a worker is given besides its batch. */
export interface WorkerLimits {
  /** It stops in good time. */
  remainingMs(): number;
  /** Paces once its batch has ended: batches that share a process may share that. @default {@link paceAfter} */
  readonly paceAfter?: typeof paceAfter;
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
  readonly job: Pick<JobRecord, 'deadline'>;
  /** In force. */
  readonly policy: Policy;
}

/** What a batch got done, and how many of its moves had nothing left to do when its worker began. */
interface Outcome extends Carried {
  readonly over: number;
  /** Whether its source has copies that go once their parking is over. */
  readonly parked: 'to-sweep' | 'nothing';
}

/**
 * Carries one batch: its destination pulls, verifies and makes durable; commits follow group by group. May
 * be killed anywhere and run any number of times at once: each commit is fenced, what is not committed is
 * planned again.
 */
export async function migrate(
  base: Ports,
  message: BatchMessage,
  limits: WorkerLimits,
): Promise<void> {
  const flight = await readFlight(base, message);
  if (flight === undefined) return;
  const ports = { ...base, policy: flight.policy };
  const carried = await carry(ports, flight, limits);
  const batch = { id: batchId(message.batch), batch: flight.batch, moves: flight.moves };
  if (carried === 'superseded') await takeBackCopies(ports, batch);
  else {
    await endFlight(ports, flight, carried);
    if (leftOf(flight, carried) > 0) await takeBackUnlessRunning(ports, jobId(message.job), batch);
  }
  const flying = await (limits.paceAfter ?? paceAfter)(ports);
  if (carried !== 'superseded') await hintSweep(ports, flight.batch.from, carried, flying);
}

/**
 * A node that leaves keeps what its drain parks, a dead one is not swept, and while more leaves a node the last of
 * it hints for all. A lost hint costs time only: the schedule sweeps too.
 */
async function hintSweep(
  ports: Ports,
  from: string,
  { parked }: Outcome,
  flying: readonly { readonly from: string }[],
): Promise<void> {
  if (parked === 'to-sweep' && !flying.some((flight) => flight.from === from))
    await ports.queues.sweep([nodeId(from)], ports.policy.parkingMs);
}

/** The batch, unless it is over or a newer message has taken its place. */
async function readFlight(ports: Ports, message: BatchMessage): Promise<Flight | undefined> {
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
    job: asking === undefined ? { deadline: 0 } : JobRecord.parse(asking),
    policy: policyOver(ports, wish),
  };
}

async function carry(
  ports: Ports,
  { message, batch, moves, flight, job }: Flight,
  limits: WorkerLimits,
): Promise<Outcome | 'superseded'> {
  const { due: all, over } = await dueMoves(ports, batch, moves);
  if (all.length === 0) return { ...nothingCarried, over, parked: 'nothing' };
  const nodes = all.some(isCoded) ? await readFleet(ports.tables) : await readNodes(ports.tables);
  const to = nodes.find((node) => node.id === batch.to);
  if (to === undefined || !takesCopies(to.state)) {
    return { ...failedBy(all, `${batch.to} takes no copies`), over, parked: 'nothing' };
  }
  const parked = await shardsParkedOn(ports, to, all);
  const due = all.filter(({ move }) => !parked.has(move.chunk));
  const kept = failedBy(
    all.filter(({ move }) => parked.has(move.chunk)),
    `${to.id} keeps another shard of it parked`,
  );
  const leftMs = job.deadline === 0 ? Number.POSITIVE_INFINITY : job.deadline - ports.now();
  const { rate } = flight;
  let total = kept;
  for (const part of inPulls(due)) {
    const wanted = pullsOf(ports.policy, { due: part, nodes, from: batch.from, to, rate, leftMs });
    const pulled = ports.nodes.pull(addressOf(to), sourcesOf(nodes, part), wanted, rate);
    const commit = (group: readonly Due[]) =>
      commitMoves(ports, { ...message, from: nodeId(batch.from), to, group });
    const carried = await commitAsReceived(ports, { pulled, due: part, to }, commit, limits);
    if (carried === 'superseded') return carried;
    total = plus(total, carried);
    if (limits.remainingMs() < remainingMsMin) break;
  }
  const stays = nodes.some(({ id, state }) => id === batch.from && state === 'active');
  return { ...total, over, parked: stays && total.moves > 0 ? 'to-sweep' : 'nothing' };
}

const failedBy = (due: readonly Due[], why: string): Carried => ({
  ...nothingCarried,
  failures: due.map(({ move }) => `${move.chunk}: ${why}`),
});

/**
 * A disk has one place for a chunk, so a shard that came now would overwrite another one that readers with
 * an old view, or an undrain, may still want. Read after the placements: whatever left the node before them
 * has its row.
 */
const shardsParkedOn = async (
  ports: Ports,
  to: NodeView,
  due: readonly Due[],
): Promise<ReadonlySet<string>> => {
  if (!due.some(isCoded)) return new Set();
  const parked = await parkedOn(ports.tables, to.id);
  const coded = due.filter(isCoded).map(({ move }) => move.chunk);
  return new Set(coded.filter((chunk) => parked.has(chunk)));
};

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
      await liftIfFenced(ports, event, due);
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

/** Drops what is done already, or was removed, or moved elsewhere since it was planned: that is over. */
async function dueMoves(
  ports: Ports,
  batch: BatchRecord,
  moves: readonly MoveRecord[],
): Promise<{ readonly due: readonly Due[]; readonly over: number }> {
  const records = await readChunks(
    ports.tables,
    moves.map(({ chunk }) => chunkId(chunk)),
  );
  const wanted = moves.flatMap((move, i) => {
    const record = records[i];
    const isWanted =
      !batch.cancelled.includes(i) &&
      record?.state === 'live' &&
      record.holders[move.slot] === batch.from;
    return isWanted ? [{ move, record }] : [];
  });
  return {
    due: wanted.filter(({ record }) => !record.holders.includes(batch.to)),
    over: moves.length - batch.cancelled.length - wanted.length,
  };
}

/**
 * Another shard of the chunk reached the destination under the same reading of the placement, and its mover
 * may be dead: under the next version this one can follow it, and that one's commit fails.
 */
async function liftIfFenced(ports: Ports, event: PullEvent, due: readonly Due[]): Promise<void> {
  if (event.event !== 'failed' || event.reason !== 'below-fence') return;
  const fenced = due.find(({ move }) => move.chunk === event.chunk);
  if (fenced !== undefined && isCoded(fenced)) {
    await fenceOff(ports, chunkId(event.chunk), fenced.record);
  }
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
  const fault = receiptFault(event.receipt, match, to);
  if (fault !== undefined) return `${event.receipt.chunk}: ${fault}`;
  waiting.push(match);
  return undefined;
}

/** A receipt counts only for the bytes and the epoch that were asked for, on the disk that joined. */
function receiptFault(receipt: Receipt, { move, record }: Due, to: NodeView): string | undefined {
  const sha256 = slotSha256(record, move.slot);
  if (receipt.sha256 !== sha256) return `received checksum ${receipt.sha256}, not ${sha256}`;
  if (receipt.epoch !== record.version + 1) return `received epoch ${receipt.epoch}`;
  if (receipt.incarnation !== to.incarnation) return `received on another disk of ${to.id}`;
  return undefined;
}

/**
 * Closes the batch: nothing of it is in flight any more. What it did not move is planned again. The same
 * message twice at once makes two workers: the flight counts what both committed, so the end is written
 * under that count.
 */
async function endFlight(ports: Ports, flight: Flight, carried: Outcome): Promise<void> {
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
const leftOf = ({ batch, moves }: Flight, carried: Outcome): number =>
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
