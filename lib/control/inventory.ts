import { inventoryKey, inventoryPartition } from '../contract/keys.ts';
import { type ChunkRecord, InventoryRecord } from '../contract/records.ts';
import { type ChunkId, chunkId, type NodeId } from '../core/ids.ts';
import { pieces } from '../core/pieces.ts';
import { names, readChunks } from './chunks.ts';
import { chunksPerList } from './limits.ts';
import { pagesOf, queryAll } from './pages.ts';
import type { Item, Op, Ports, Tables } from './ports.ts';

/**
 * What a node holds, as lists: the transaction that makes it a holder writes one, under a key of its own,
 * and nobody changes it. So whatever the placement names a node for is in one of its lists, and a list may
 * go once no chunk in it is named: should one come back, its commit brings a list of its own.
 */

/** The lists for the holders of newly placed chunks: one a holder and transaction. */
export function listOps(
  placed: readonly { readonly chunk: ChunkId; readonly holders: readonly NodeId[] }[],
  operation: string,
): readonly Op[] {
  const byHolder = new Map<NodeId, ChunkId[]>();
  for (const { chunk, holders } of placed) {
    for (const holder of holders) byHolder.set(holder, [...(byHolder.get(holder) ?? []), chunk]);
  }
  return [...byHolder].map(([holder, chunks]) => ({
    op: 'put',
    key: inventoryKey(holder, operation),
    fields: { chunks },
  }));
}

interface List {
  readonly sk: string;
  readonly chunks: readonly ChunkId[];
}

const listOf = (item: Item): List => ({
  sk: item.sk,
  chunks: InventoryRecord.parse(item).chunks.map(chunkId),
});

const listsOf = async (tables: Tables, node: NodeId): Promise<readonly List[]> =>
  (await queryAll(tables, 'placement', inventoryPartition(node))).map(listOf);

/** Every chunk that the placement may name the node for: one complete, consistent pass. */
export async function listedOn(tables: Tables, node: NodeId): Promise<readonly ChunkId[]> {
  const lists = await listsOf(tables, node);
  return [...new Set(lists.flatMap(({ chunks }) => chunks))];
}

/** By chunk: its placement; `undefined` where there never was one. */
export type Placements = ReadonlyMap<ChunkId, ChunkRecord | undefined>;

/**
 * Drops lists without a chunk that the node is still named for, and writes those that are half empty anew.
 * May be killed anywhere and run beside another: what is named stays listed at every moment, at worst twice.
 *
 * @returns the placements, read after the lists, of every chunk that was listed
 */
export const tidyInventory = async (ports: Ports, node: NodeId): Promise<Placements> =>
  tidyLists(ports, node, await listsOf(ports.tables, node));

/**
 * Whether the placement still names the node for anything. As {@link tidyInventory}, but a page of lists at a time and
 * no further than to the first chunk that is named: of a node of a million chunks no function has them all in memory.
 */
export async function holdsAny(ports: Ports, node: NodeId): Promise<boolean> {
  for await (const page of pagesOf(ports.tables, 'placement', inventoryPartition(node))) {
    const placements = await tidyLists(ports, node, page.map(listOf));
    if (namedIn(placements, node).length > 0) return true;
  }
  return false;
}

async function tidyLists(ports: Ports, node: NodeId, lists: readonly List[]): Promise<Placements> {
  const chunks = [...new Set(lists.flatMap((list) => list.chunks))];
  const records = await readChunks(ports.tables, chunks);
  const placements = new Map(chunks.map((chunk, i) => [chunk, records[i]]));
  const isNamed = (chunk: ChunkId) => names(placements.get(chunk), node);
  const sparse = lists.filter(
    (list) => 2 * list.chunks.filter(isNamed).length <= list.chunks.length,
  );
  const kept = [...new Set(sparse.flatMap((list) => list.chunks.filter(isNamed)))];
  await ports.tables.writeEach(
    pieces(kept, chunksPerList).map((part) => ({
      op: 'put',
      key: inventoryKey(node, ports.newId()),
      fields: { chunks: [...part] },
    })),
  );
  const pk = inventoryPartition(node);
  await ports.tables.writeEach(
    sparse.map(({ sk }) => ({ op: 'delete', key: { table: 'placement', pk, sk } })),
  );
  return placements;
}

/** The chunks among `placements` that name the node. */
export const namedIn = (placements: Placements, node: NodeId): readonly ChunkId[] =>
  [...placements].flatMap(([chunk, record]) => (names(record, node) ? [chunk] : []));
