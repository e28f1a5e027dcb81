import {
  chunkKey,
  chunkOfInventory,
  inventoryPartition,
  inventoryShards,
} from '../contract/keys.ts';
import { ChunkRecord, InventoryRecord } from '../contract/records.ts';
import { type ChunkId, type NodeId, nodeId } from '../core/ids.ts';
import { pagesOf } from './pages.ts';
import type { Tables } from './ports.ts';

export interface Slot {
  readonly chunk: ChunkId;
  readonly slot: number;
  readonly bytes: number;
}

/** What a node holds by the placement: one complete, consistent pass over all its shards and pages. */
export async function slotsOn(tables: Tables, node: NodeId): Promise<readonly Slot[]> {
  const shards = await Promise.all(
    Array.from({ length: inventoryShards }, (_, shard) => slotsOfShard(tables, node, shard)),
  );
  return shards.flat();
}

async function slotsOfShard(tables: Tables, node: NodeId, shard: number): Promise<Slot[]> {
  const slots: Slot[] = [];
  for await (const page of pagesOf(tables, 'placement', inventoryPartition(node, shard), 'C#')) {
    for (const item of page) {
      slots.push({ chunk: chunkOfInventory(item.sk), ...InventoryRecord.parse(item) });
    }
  }
  return slots;
}

/** The placements of chunks, in their order; `undefined` where there never was one. */
export async function readChunks(
  tables: Tables,
  chunks: readonly ChunkId[],
): Promise<readonly (ChunkRecord | undefined)[]> {
  const items = await tables.get(chunks.map(chunkKey));
  return items.map((item) => (item === undefined ? undefined : ChunkRecord.parse(item)));
}

/** Whether the placement names `node` as a holder now. */
export const names = (record: ChunkRecord | undefined, node: NodeId): boolean =>
  record?.state === 'live' && record.holders.includes(node);

export const holdersOf = (record: ChunkRecord): readonly NodeId[] => record.holders.map(nodeId);
