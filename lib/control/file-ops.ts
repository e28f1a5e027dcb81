import { chunkKey, fileKey, type Key, trashKey } from '../contract/keys.ts';
import type { FileChunk, FileRecord, TrashRecord } from '../contract/records.ts';
import { type ChunkId, chunkId } from '../core/ids.ts';
import { pieces } from '../core/pieces.ts';
import type { StoredFile } from './find-files.ts';
import { type NodeView, stillTakesCopies } from './fleet.ts';
import { listOps } from './inventory.ts';
import { chunksPerTrashRow } from './limits.ts';
import type { Fields, Op } from './ports.ts';
import type { PlacedChunk } from './store.ts';

/** What one transaction writes about files, their chunks, and chunks that no file names any more. */

export interface PlacedFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly mode: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
  /** In the file's order. */
  readonly chunks: readonly PlacedChunk[];
}

/** Of a commit of chunks, for each holder: an inventory list and a check of the guard. */
export const opsPerHolder = 2;

/** The files' own ops come first, in their order. */
export function newFilesOps(
  files: readonly PlacedFile[],
  operation: string,
  now: number,
): readonly Op[] {
  const chunks = files.flatMap((file) => file.chunks);
  return [
    ...files.map(
      (file): Op => ({
        op: 'put',
        key: fileKey(file.path),
        fields: fileFields(file, [], 1, operation),
        when: 'absent',
      }),
    ),
    ...newChunksOps(chunks, operation),
    ...guardsFor(chunks, now),
  ];
}

/** @param manifest what names the chunks, where the record does not */
const fileFields = (
  file: PlacedFile,
  manifest: readonly PlacedChunk[],
  version: number,
  lastOp: string,
) => ({
  size: file.size,
  sha256: file.sha256,
  mode: file.mode,
  modifiedAt: file.modifiedAt,
  chunks: manifest.length > 0 ? [] : file.chunks.map(namedIn),
  manifest: manifest.map(namedIn),
  version,
  lastOp,
});

/** As a record or a manifest names a chunk. */
export const namedIn = ({ chunk, size }: PlacedChunk): FileChunk => ({ id: chunk, size });

export const newChunksOps = (chunks: readonly PlacedChunk[], operation: string): readonly Op[] => [
  ...chunks.map((placed) => newChunkOp(placed, operation)),
  ...listOps(
    chunks.map(({ chunk, holders }) => ({ chunk, holders: holders.map(({ id }) => id) })),
    operation,
  ),
];

const newChunkOp = (placed: PlacedChunk, operation: string): Op => ({
  op: 'put',
  key: chunkKey(placed.chunk),
  fields: {
    state: 'live',
    size: placed.size,
    sha256: placed.sha256,
    kind: placed.kind,
    redundancy: { ...placed.redundancy },
    shards: placed.shards,
    holders: placed.holders.map((holder) => holder.id),
    version: 1,
    lastOp: operation,
  },
  when: 'absent',
});

/** One check for each node that the chunks name. */
export const guardsFor = (chunks: readonly PlacedChunk[], operation: number): readonly Op[] =>
  holdersIn(chunks).map((holder) => stillTakesCopies(holder, operation));

export function holdersIn(chunks: readonly PlacedChunk[]): readonly NodeView[] {
  const holders = new Map<string, NodeView>();
  for (const chunk of chunks) for (const holder of chunk.holders) holders.set(holder.id, holder);
  return [...holders.values()];
}

/**
 * Puts a file where its path names `current`, whose chunks become trash.
 *
 * @param manifest committed; empty: the record names the chunks
 */
export function swapFileOps(
  file: PlacedFile,
  manifest: readonly PlacedChunk[],
  current: FileRecord | undefined,
  operation: string,
): readonly Op[] {
  const key = fileKey(file.path);
  if (current === undefined) {
    return [{ op: 'put', key, fields: fileFields(file, manifest, 1, operation), when: 'absent' }];
  }
  return [
    {
      op: 'put',
      key,
      fields: fileFields(file, manifest, current.version + 1, operation),
      when: { version: current.version, lastOp: current.lastOp },
    },
    ...trashOps(namedBy([current]), operation, 0),
  ];
}

export interface TrashPut {
  readonly op: 'put';
  readonly key: Key;
  readonly fields: TrashRecord & Fields;
}

/** Chunks to remove: named here, and those that manifests name, which go after them. */
interface Doomed {
  readonly chunks: readonly ChunkId[];
  readonly manifests: readonly ChunkId[];
}

const namedBy = (records: readonly FileRecord[]): Doomed => ({
  chunks: records.flatMap(({ chunks }) => chunks.map(({ id }) => chunkId(id))),
  manifests: records.flatMap(({ manifest }) => manifest.map(({ id }) => chunkId(id))),
});

/** Rows of the trash: at most one for {@link chunksPerTrashRow} chunks, and one a manifest. */
export function trashOps(
  { chunks, manifests }: Doomed,
  operation: string,
  notBefore: number,
): readonly TrashPut[] {
  const rows = [
    ...pieces(chunks, chunksPerTrashRow).map((row) => ({ chunks: [...row], manifests: [] })),
    ...manifests.map((manifest) => ({ chunks: [], manifests: [manifest] })),
  ];
  return rows.map((row, i) => ({
    op: 'put',
    key: trashKey(`${operation}.${i}`),
    fields: { ...row, notBefore, claimedUntil: 0 },
  }));
}

export function removalOps(found: readonly StoredFile[], operation: string): readonly Op[] {
  return [
    ...found.map(
      ({ path, record }): Op => ({
        op: 'delete',
        key: fileKey(path),
        when: { version: record.version, lastOp: record.lastOp },
      }),
    ),
    ...trashOps(namedBy(found.map(({ record }) => record)), operation, 0),
  ];
}
