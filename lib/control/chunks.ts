import { chunkKey } from '../contract/keys.ts';
import { ChunkRecord } from '../contract/records.ts';
import { slotBytes } from '../core/fleet.ts';
import { type ChunkId, type NodeId, nodeId } from '../core/ids.ts';
import { bytes } from '../core/units.ts';
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

/** SHA-256 of the bytes of one slot. */
export const slotSha256 = (
  { shards, sha256 }: Pick<ChunkRecord, 'shards' | 'sha256'>,
  slot: number,
): string => shards[slot] ?? sha256;

/** Bytes of one slot. */
export const slotSize = ({ size, redundancy }: ChunkRecord): number =>
  slotBytes(bytes(size), redundancy);

export const holdersOf = (record: ChunkRecord): readonly NodeId[] => record.holders.map(nodeId);
