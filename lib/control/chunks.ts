import { chunkKey } from '../contract/keys.ts';
import { ChunkRecord } from '../contract/records.ts';
import { type ChunkId, type NodeId, nodeId } from '../core/ids.ts';
import type { Tables } from './ports.ts';

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
