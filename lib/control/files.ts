import { fileKey } from '../contract/keys.ts';
import type { Policy } from '../contract/policy.ts';
import { FileRecord } from '../contract/records.ts';
import { pieces } from '../core/pieces.ts';
import {
  guardsFor,
  holdersIn,
  newChunksOps,
  newFilesOps,
  opsPerHolder,
  type PlacedFile,
  removalOps,
  swapFileOps,
} from './file-ops.ts';
import { findFile } from './find-files.ts';
import { failIfHolderLeft } from './holder-left.ts';
import { chunksPerRemoval, filesPerRemoval, replacesMax } from './limits.ts';
import { commitLongFile, mustFitManifest, needsManifest } from './long-files.ts';
import { opsMax, type Ports } from './ports.ts';
import { writeKnown } from './write-known.ts';

export type { PlacedFile } from './file-ops.ts';
export { findFile, listFiles, type StoredFile } from './find-files.ts';
export { HolderLeft } from './holder-left.ts';
export { FileTooLong } from './long-files.ts';

/**
 * Commits files whose chunks are durable: when it returns, each is acknowledged. Small files share
 * transactions; of one with more chunks than a record may name, the chunks are named by a manifest, which is stored
 * first. A path that exists is replaced and the chunks it had become trash, in one transaction.
 *
 * @throws FileTooLong, HolderLeft (some files may be committed: commit again after storing again), NoRoom,
 *   NodeRefused, NodeUnreachable (a manifest has no place), OutcomeUnknown, TryLater
 */
export async function commitFiles(ports: Ports, files: readonly PlacedFile[]): Promise<void> {
  for (const file of files) mustFitManifest(file);
  for (const group of groupsOf(files, ports.policy)) {
    if (fitsOneWrite(group, ports.policy)) await commitGroup(ports, group);
    else await commitLongFile(ports, group[0]!);
  }
}

/** Greedily as many files a transaction as fit, in their order; a path twice is replaced by the later. */
function groupsOf(
  files: readonly PlacedFile[],
  policy: Policy,
): readonly (readonly PlacedFile[])[] {
  const groups: PlacedFile[][] = [];
  for (const file of files) {
    const last = groups.at(-1);
    const isTwice = last?.some(({ path }) => path === file.path);
    if (last !== undefined && !isTwice && fitsOneWrite([...last, file], policy)) last.push(file);
    else groups.push([file]);
  }
  return groups;
}

const fitsOneWrite = (files: readonly PlacedFile[], policy: Policy): boolean =>
  opsOf(files) <= opsMax && !files.some((file) => needsManifest(file, policy));

/** A record a file, and what {@link newChunksOps} and {@link guardsFor} add. */
function opsOf(files: readonly PlacedFile[]): number {
  const chunks = files.flatMap((file) => file.chunks);
  return files.length + chunks.length + opsPerHolder * holdersIn(chunks).length;
}

async function commitGroup(ports: Ports, files: readonly PlacedFile[]): Promise<void> {
  const operation = ports.newId();
  const ops = newFilesOps(files, operation, ports.now());
  const outcome = await writeKnown(ports.tables, ops, operation);
  if (outcome === 'committed') return;
  const chunks = files.flatMap((file) => file.chunks);
  await failIfHolderLeft(ports, chunks, ops, outcome);
  for (const file of files) await replaceFile(ports, file);
}

/** Commits one file over whatever its path names now. The chunks go in first if they are not there yet. */
async function replaceFile(ports: Ports, file: PlacedFile): Promise<void> {
  for (let tried = 1; ; tried++) {
    const current = await findFile(ports.tables, file.path);
    const operation = ports.newId();
    const ops = [
      ...swapFileOps(file, [], current, operation),
      ...newChunksOps(file.chunks, operation),
      ...guardsFor(file.chunks, ports.now()),
    ];
    // What it replaces was longer than the transaction has room for: its trash takes a row in 500 chunks.
    if (ops.length > opsMax) return commitLongFile(ports, file);
    const outcome = await writeKnown(ports.tables, ops, operation);
    if (outcome === 'committed') return;
    await failIfHolderLeft(ports, file.chunks, ops, outcome);
    if (tried === replacesMax) throw new Error(`${file.path}: others kept replacing it`);
  }
}

/**
 * Removes files; their chunks become trash in the same transaction, and are swept later.
 *
 * @returns how many of the paths named a file
 */
export async function removeFiles(ports: Ports, paths: readonly string[]): Promise<number> {
  let removed = 0;
  const distinct = [...new Set(paths)];
  for (const group of pieces(distinct, filesPerRemoval)) removed += await removeGroup(ports, group);
  if (removed > 0) await ports.queues.sweep([], 0);
  return removed;
}

async function removeGroup(ports: Ports, paths: readonly string[]): Promise<number> {
  for (let tried = 1; ; tried++) {
    const items = await ports.tables.get(paths.map(fileKey));
    const found = items.flatMap((item, i) =>
      item === undefined ? [] : [{ path: paths[i]!, record: FileRecord.parse(item) }],
    );
    if (found.length === 0) return 0;
    const operation = ports.newId();
    const ops = removalOps(found, operation);
    const chunks = found.reduce((sum, { record }) => sum + record.chunks.length, 0);
    const isTooMuch = ops.length > opsMax || chunks > chunksPerRemoval;
    if (isTooMuch && found.length > 1) return removeHalves(ports, paths);
    if ((await writeKnown(ports.tables, ops, operation)) === 'committed') return found.length;
    if (tried === replacesMax)
      throw new Error(`${paths[0]} and others: others kept replacing them`);
  }
}

async function removeHalves(ports: Ports, paths: readonly string[]): Promise<number> {
  const middle = Math.ceil(paths.length / 2);
  const first = await removeGroup(ports, paths.slice(0, middle));
  return first + (await removeGroup(ports, paths.slice(middle)));
}
