import { type Key, outboxKey, outboxPartition } from '../contract/keys.ts';
import { type ChunkId, jobId, type NodeId } from '../core/ids.ts';
import { type NodeState, servesReads } from '../core/lifecycle.ts';
import { names, readChunks } from './chunks.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { readJob } from './jobs.ts';
import { restoreMsMax, rowsPerWrite } from './limits.ts';
import { type ParkedRow, parkedOn, parkedRow } from './outbox.ts';
import { pagesOf } from './pages.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { restoreRow } from './restore.ts';
import { emptyTrash } from './trash.ts';

/** A drained node's copies go with its machine, and until then readers with an old view find them. */
const sweptStates: readonly NodeState[] = ['active', 'draining'];
/** Copies asked for in one request. */
const removalsPerCall = 1_000;

interface CopyRemoval {
  readonly chunk: ChunkId;
  readonly version: number;
}

/**
 * Deletes source copies whose parking is over. Each is looked up once more, consistently: one that the
 * placement names again stays, and the node itself refuses a delete below the chunk's fence. Rows go once
 * all their copies have. A node that drains keeps what its drain parked: its room is nobody's, and an undrain
 * wants it. What an undone drain parked is named again instead of deleted.
 *
 * @param nodes whose outboxes to sweep; when empty those of all, after the trash
 */
export async function sweep(ports: Ports, nodes: readonly NodeId[]): Promise<void> {
  if (nodes.length === 0) await emptyTrash(ports);
  const fleet = (await readNodes(ports.tables)).filter(({ state }) => servesReads(state));
  const swept = fleet.filter(({ state }) => sweptStates.includes(state));
  const chosen = nodes.length === 0 ? swept : swept.filter(({ id }) => nodes.includes(id));
  const rows = await Promise.all(chosen.map((node) => sweepNode(ports, fleet, node)));
  await forget(ports, rows.flat());
}

/** @returns rows whose copies are gone: few of a node, so that those of all nodes go together */
async function sweepNode(
  ports: Ports,
  fleet: readonly NodeView[],
  node: NodeView,
): Promise<readonly Key[]> {
  const until = ports.now() + restoreMsMax;
  const over: Key[] = [];
  for await (const page of pagesOf(ports.tables, 'placement', outboxPartition(node.id))) {
    const rows = page.map(parkedRow);
    const ofDrain = rows.filter(({ job }) => job !== '' && job === node.job);
    const fate = ofDrain.length === 0 ? 'deleted' : await fateOf(ports, node);
    if (fate === 'restored') {
      if ((await restoreRows(ports, fleet, node, ofDrain, until)) === 'later') {
        await ports.queues.sweep([node.id], 0);
        return over;
      }
    }
    const sweepable = fate === 'deleted' ? rows : rows.filter((row) => !ofDrain.includes(row));
    const due = sweepable.filter(({ notBefore }) => notBefore <= ports.now());
    if (due.length === 0) continue;
    if ((await sweepRows(ports, node, due)) === 'postponed') return over;
    over.push(...due.map(({ operation }) => outboxKey(node.id, operation)));
    if (over.length >= rowsPerWrite) await forget(ports, over.splice(0));
  }
  return over;
}

const forget = (ports: Ports, rows: readonly Key[]): Promise<void> =>
  ports.tables.writeEach(rows.map((key) => ({ op: 'delete', key })));

/** What becomes of the copies that the job which last changed the node's state parked on it. */
async function fateOf({ tables }: Ports, node: NodeView): Promise<'kept' | 'restored' | 'deleted'> {
  if (node.state === 'draining') return 'kept';
  const job = await readJob(tables, jobId(node.job));
  return job?.undo === true ? 'restored' : 'deleted';
}

/** @returns `later` when time is up; a row that changed meanwhile is seen again at the next sweep */
async function restoreRows(
  ports: Ports,
  fleet: readonly NodeView[],
  node: NodeView,
  rows: readonly ParkedRow[],
  until: number,
): Promise<'restored' | 'later'> {
  try {
    for (const row of rows) {
      if (ports.now() >= until) return 'later';
      await restoreRow(ports, fleet, node, row);
    }
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    ports.log('restore-postponed', { node: node.id, reason: error.message });
  }
  return 'restored';
}

async function sweepRows(
  ports: Ports,
  node: NodeView,
  due: readonly ParkedRow[],
): Promise<'swept' | 'postponed'> {
  try {
    const removals = await removalsFor(ports, node.id, due);
    await removeCopies(ports, node, removals);
    ports.log('copies-deleted', { node: node.id, copies: removals.length });
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    ports.log('sweep-postponed', { node: node.id, rows: due.length, reason: error.message });
    return 'postponed';
  }
  return 'swept';
}

/** A copy below the fence is coming back, or came: whoever brought it answers for it. */
async function removeCopies(
  ports: Ports,
  node: NodeView,
  removals: readonly CopyRemoval[],
): Promise<void> {
  for (let from = 0; from < removals.length; from += removalsPerCall) {
    await ports.nodes.remove(addressOf(node), removals.slice(from, from + removalsPerCall));
  }
}

async function removalsFor(
  ports: Ports,
  node: NodeId,
  due: readonly ParkedRow[],
): Promise<readonly CopyRemoval[]> {
  const removed = due.filter(({ versions }) => versions.length > 0);
  const moved = due.filter(({ versions }) => versions.length === 0);
  return [
    ...removed.flatMap(({ chunks, versions }) =>
      chunks.map((chunk, i) => ({ chunk, version: versions[i]! })),
    ),
    ...(await stillElsewhere(ports, node, [...new Set(moved.flatMap(({ chunks }) => chunks))])),
  ];
}

/**
 * The last look, consistent: a copy that the placement names again stays, and one that came back and left
 * again since is parked anew. Its newer row is read after the placements, so none is missed.
 */
async function stillElsewhere(
  ports: Ports,
  node: NodeId,
  chunks: readonly ChunkId[],
): Promise<readonly CopyRemoval[]> {
  const records = await readChunks(ports.tables, chunks);
  const elsewhere = chunks.flatMap((chunk, i) => {
    const record = records[i];
    return record === undefined || names(record, node) ? [] : [{ chunk, version: record.version }];
  });
  if (elsewhere.length === 0) return [];
  const parked = await parkedOn(ports.tables, node, ports.now());
  return elsewhere.filter(({ chunk }) => !parked.has(chunk));
}
