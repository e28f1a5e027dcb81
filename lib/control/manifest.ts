import { parseManifest } from '../contract/manifest.ts';
import type { FileChunk, FileRecord } from '../contract/records.ts';
import { type ChunkId, chunkId } from '../core/ids.ts';
import type { NodeView } from './fleet.ts';
import type { Ports } from './ports.ts';
import { readChunk } from './read.ts';

/** A file's chunks in its order, wherever they are named. @throws ChunkUnreadable, ChunkGone: its manifest */
export async function listChunks(
  ports: Ports,
  fleet: readonly NodeView[],
  { chunks, manifest }: FileRecord,
): Promise<readonly FileChunk[]> {
  if (manifest.length === 0) return chunks;
  const listed: FileChunk[] = [];
  for (const { id } of manifest) {
    const piece = await readManifest(ports, fleet, chunkId(id));
    for (const chunk of piece) listed.push(chunk);
  }
  return listed;
}

/** What one piece of a manifest names. @throws ChunkUnreadable, ChunkGone */
export const readManifest = async (
  ports: Ports,
  fleet: readonly NodeView[],
  manifest: ChunkId,
): Promise<readonly FileChunk[]> => parseManifest(await readChunk(ports, fleet, manifest));

/** Every chunk that the file needs: those of {@link listChunks}, then its manifest. @throws as it does */
export async function neededChunks(
  ports: Ports,
  fleet: readonly NodeView[],
  record: FileRecord,
): Promise<readonly ChunkId[]> {
  const listed = await listChunks(ports, fleet, record);
  return [...listed, ...record.manifest].map(({ id }) => chunkId(id));
}
