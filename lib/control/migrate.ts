import type { BatchMessage } from '../contract/messages.ts';
import { batchId, chunkId, jobId, nodeId } from '../core/ids.ts';
import { takesCopies } from '../core/lifecycle.ts';
import { isInPlace } from '../core/plan.ts';
import { endFlight, type Flight, leftOf, type Outcome, readFlight } from './batch-flight.ts';
import { readChunks } from './chunks.ts';
import { type Carried, commitMoves, type Due } from './commit-moves.ts';
import { addressOf, type NodeView, readFleet, readNodes } from './fleet.ts';
import { parkedOn } from './outbox.ts';
import { paceAfter } from './pace.ts';
import type { Ports } from './ports.ts';
import {
  commitAsReceived,
  nothingCarried,
  plus,
  remainingMsMin,
  type WorkerLimits,
} from './receive.ts';
import { inPulls, isCoded, pullsOf, sourcesOf } from './supply.ts';
import { takeBackCopies, takeBackUnlessRunning } from './take-back.ts';

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

async function carry(
  ports: Ports,
  whole: Flight,
  limits: WorkerLimits,
): Promise<Outcome | 'superseded'> {
  const { message, batch, flight, job } = whole;
  const { due: all, over } = await dueMoves(ports, whole);
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
  const isLeft = total.moves > 0 && !isInPlace(batch);
  const stays = nodes.some(({ id, state }) => id === batch.from && state === 'active');
  return { ...total, over, parked: stays && isLeft ? 'to-sweep' : 'nothing' };
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

/** Drops what is done already, or was removed, or moved elsewhere since it was planned: that is over. */
async function dueMoves(
  ports: Ports,
  flight: Flight,
): Promise<{ readonly due: readonly Due[]; readonly over: number }> {
  const { batch, moves } = flight;
  const records = await readChunks(
    ports.tables,
    moves.map(({ chunk }) => chunkId(chunk)),
  );
  const wanted = moves.flatMap((move, i) => {
    const record = records[i];
    if (batch.cancelled.includes(i) || record === undefined) return [];
    return isWanted(flight, { move, record }) ? [{ move, record }] : [];
  });
  return {
    due: wanted.filter(({ record }) => isInPlace(batch) || !record.holders.includes(batch.to)),
    over: moves.length - batch.cancelled.length - wanted.length,
  };
}

/** What is mended in place keeps its holder: it is to be done under the version that was planned over, no other. */
const isWanted = ({ batch, job }: Flight, { move, record }: Due): boolean =>
  record.state === 'live' &&
  record.holders[move.slot] === batch.from &&
  (!isInPlace(batch) ||
    job.damaged.some(
      ({ chunk, slot, version }) =>
        chunk === move.chunk && slot === move.slot && version === record.version,
    ));
