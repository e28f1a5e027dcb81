import { outboxPartition } from '../contract/keys.ts';
import { OutboxRecord } from '../contract/records.ts';
import { type ChunkId, chunkId, type NodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { names, readChunks } from './chunks.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { parkedOn } from './outbox.ts';
import { pagesOf } from './pages.ts';
import { type Item, NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { emptyTrash } from './trash.ts';

/** Copies asked for in one request. */
const removalsPerCall = 1_000;

interface Row {
  readonly operation: string;
  readonly chunks: readonly ChunkId[];
  /** As in the record: of the chunks' tombstones, or none. */
  readonly versions: readonly number[];
}

interface CopyRemoval {
  readonly chunk: ChunkId;
  readonly version: number;
}

/**
 * Deletes source copies whose parking is over. Each is looked up once more, consistently: one that the
 * placement names again stays, and the node itself refuses a delete below the chunk's fence. Rows go once
 * all their copies have.
 *
 * @param nodes whose outboxes to sweep; when empty those of all that serve, after the trash
 */
export async function sweep(ports: Ports, nodes: readonly NodeId[]): Promise<void> {
  if (nodes.length === 0) await emptyTrash(ports);
  const fleet = (await readNodes(ports.tables)).filter(({ state }) => servesReads(state));
  const chosen = nodes.length === 0 ? fleet : fleet.filter(({ id }) => nodes.includes(id));
  await Promise.all(chosen.map((node) => sweepNode(ports, node)));
}

async function sweepNode(ports: Ports, node: NodeView): Promise<void> {
  for await (const page of pagesOf(ports.tables, 'placement', outboxPartition(node.id))) {
    const due = page.flatMap((item) => dueRow(item, ports.now()));
    if (due.length > 0 && (await sweepRows(ports, node, due)) === 'postponed') return;
  }
}

async function sweepRows(
  ports: Ports,
  node: NodeView,
  due: readonly Row[],
): Promise<'swept' | 'postponed'> {
  try {
    await removeCopies(ports, node, await removalsFor(ports, node.id, due));
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    ports.log('sweep-postponed', { node: node.id, rows: due.length, reason: error.message });
    return 'postponed';
  }
  const pk = outboxPartition(node.id);
  await ports.tables.writeEach(
    due.map(({ operation }) => ({ op: 'delete', key: { table: 'placement', pk, sk: operation } })),
  );
  return 'swept';
}

function dueRow(item: Item, now: number): readonly Row[] {
  const { chunks, versions, notBefore } = OutboxRecord.parse(item);
  return notBefore > now ? [] : [{ operation: item.sk, chunks: chunks.map(chunkId), versions }];
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
  due: readonly Row[],
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
