import {
  chunkKey,
  fileKey,
  filePartition,
  fileShards,
  type Key,
  trashKey,
} from '../contract/keys.ts';
import { FileRecord, type TrashRecord } from '../contract/records.ts';
import { type ChunkId, chunkId } from '../core/ids.ts';
import { pieces } from '../core/pieces.ts';
import { abandon } from './collect.ts';
import { type NodeView, stillTakesCopies } from './fleet.ts';
import { listOps } from './inventory.ts';
import { chunksPerFileMax, chunksPerTrashRow, filesPerRemoval, uploadMs } from './limits.ts';
import { pagesOf } from './pages.ts';
import { type Fields, type Op, opsMax, type Ports, type Refusal, type Tables } from './ports.ts';
import type { PlacedChunk } from './store.ts';
import { writeKnown } from './write-known.ts';

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

export interface StoredFile {
  readonly path: string;
  readonly record: FileRecord;
}

/** A holder stopped taking copies between placing and committing: nothing was committed, store again. */
export class HolderLeft extends Error {
  override readonly name = 'HolderLeft';
}

/** The file has more chunks than one record can name. */
export class FileTooLong extends Error {
  override readonly name = 'FileTooLong';
  readonly chunks: number;
  constructor(path: string, chunks: number) {
    super(`${path} has ${chunks} chunks: a file may have ${chunksPerFileMax}`);
    this.chunks = chunks;
  }
}

/** Tries to replace a file that others replace at the same time. */
const replacesMax = 8;

export async function findFile(tables: Tables, path: string): Promise<FileRecord | undefined> {
  const [item] = await tables.get([fileKey(path)]);
  return item === undefined ? undefined : FileRecord.parse(item);
}

/** Files whose path begins with `prefix`, by shard: in no order that a user would want. */
export async function* listFiles(tables: Tables, prefix: string): AsyncGenerator<StoredFile> {
  for (let shard = 0; shard < fileShards; shard++) {
    for await (const page of pagesOf(tables, 'files', filePartition(shard), prefix)) {
      for (const item of page) yield { path: item.sk, record: FileRecord.parse(item) };
    }
  }
}

/**
 * Commits files whose chunks are durable: when it returns, each is acknowledged. Small files share
 * transactions. A path that exists is replaced and the chunks it had become trash, in one transaction.
 *
 * @throws FileTooLong, HolderLeft (some files may be committed: commit again after storing again), OutcomeUnknown, TryLater
 */
export async function commitFiles(ports: Ports, files: readonly PlacedFile[]): Promise<void> {
  for (const file of files) mustFitRecord(file);
  for (const group of groupsOf(files)) {
    if (group.length === 1 && opsOf(group) > opsMax) await commitLongFile(ports, group[0]!);
    else await commitGroup(ports, group);
  }
}

function mustFitRecord({ path, chunks }: PlacedFile): void {
  if (chunks.length > chunksPerFileMax) throw new FileTooLong(path, chunks.length);
}

/** Greedily as many files a transaction as fit, in their order; a path twice is replaced by the later. */
function groupsOf(files: readonly PlacedFile[]): readonly (readonly PlacedFile[])[] {
  const groups: PlacedFile[][] = [];
  for (const file of files) {
    const last = groups.at(-1);
    const isTwice = last?.some(({ path }) => path === file.path);
    if (last !== undefined && !isTwice && opsOf([...last, file]) <= opsMax) last.push(file);
    else groups.push([file]);
  }
  return groups;
}

/** A record a file, and what {@link newChunksOps} and {@link guardsFor} add. */
function opsOf(files: readonly PlacedFile[]): number {
  const chunks = files.flatMap((file) => file.chunks);
  return files.length + chunks.length + opsPerHolder * holdersIn(chunks).length;
}

/** An inventory list and a check of the guard. */
const opsPerHolder = 2;

async function commitGroup(ports: Ports, files: readonly PlacedFile[]): Promise<void> {
  const operation = ports.newId();
  const ops = newFilesOps(files, operation, ports.now());
  const outcome = await writeKnown(ports.tables, ops, operation);
  if (outcome === 'committed') return;
  const chunks = files.flatMap((file) => file.chunks);
  await failIfHolderLeft(ports, chunks, ops, outcome);
  for (const file of files) await replaceFile(ports, file);
}

/** The files' own ops come first, in their order. */
function newFilesOps(files: readonly PlacedFile[], operation: string, now: number): readonly Op[] {
  const chunks = files.flatMap((file) => file.chunks);
  return [
    ...files.map(
      (file): Op => ({
        op: 'put',
        key: fileKey(file.path),
        fields: fileFields(file, 1, operation),
        when: 'absent',
      }),
    ),
    ...newChunksOps(chunks, operation),
    ...guardsFor(chunks, now),
  ];
}

const fileFields = (file: PlacedFile, version: number, lastOp: string) => ({
  size: file.size,
  sha256: file.sha256,
  mode: file.mode,
  modifiedAt: file.modifiedAt,
  chunks: file.chunks.map(({ chunk, size }) => ({ id: chunk, size })),
  version,
  lastOp,
});

const newChunksOps = (chunks: readonly PlacedChunk[], operation: string): readonly Op[] => [
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
const guardsFor = (chunks: readonly PlacedChunk[], operation: number): readonly Op[] =>
  holdersIn(chunks).map((holder) => stillTakesCopies(holder, operation));

function holdersIn(chunks: readonly PlacedChunk[]): readonly NodeView[] {
  const holders = new Map<string, NodeView>();
  for (const chunk of chunks) for (const holder of chunk.holders) holders.set(holder.id, holder);
  return [...holders.values()];
}

/** Nothing was committed, so the copies go again: the caller stores under new chunk ids. */
async function failIfHolderLeft(
  ports: Ports,
  chunks: readonly PlacedChunk[],
  ops: readonly Op[],
  refusals: readonly Refusal[],
): Promise<void> {
  const guard = refusals.map(({ op }) => ops[op]!).find(({ op }) => op === 'check');
  if (guard === undefined) return;
  await abandon(ports, chunks);
  throw new HolderLeft(`${guard.key.pk.slice(2)} takes no copies any more: store again`);
}

/** Commits one file over whatever its path names now. The chunks go in first if they are not there yet. */
async function replaceFile(ports: Ports, file: PlacedFile): Promise<void> {
  for (let tried = 1; ; tried++) {
    const current = await findFile(ports.tables, file.path);
    const operation = ports.newId();
    const ops = [
      ...swapFileOps(file, current, operation),
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

function swapFileOps(
  file: PlacedFile,
  current: FileRecord | undefined,
  operation: string,
): readonly Op[] {
  const key = fileKey(file.path);
  if (current === undefined) {
    return [{ op: 'put', key, fields: fileFields(file, 1, operation), when: 'absent' }];
  }
  return [
    {
      op: 'put',
      key,
      fields: fileFields(file, current.version + 1, operation),
      when: { version: current.version, lastOp: current.lastOp },
    },
    ...trashOps(
      current.chunks.map(({ id }) => chunkId(id)),
      operation,
      0,
    ),
  ];
}

interface TrashPut {
  readonly op: 'put';
  readonly key: Key;
  readonly fields: TrashRecord & Fields;
}

/** Rows of the trash: at most one for a file of up to {@link chunksPerTrashRow} chunks. */
const trashOps = (
  chunks: readonly ChunkId[],
  operation: string,
  notBefore: number,
): readonly TrashPut[] =>
  pieces(chunks, chunksPerTrashRow).map((row, i) => ({
    op: 'put',
    key: trashKey(`${operation}.${i}`),
    fields: { chunks: [...row], notBefore, claimedUntil: 0 },
  }));

/**
 * A file whose chunks do not fit one transaction: first an intent that makes its chunks trash if it never
 * ends, then the chunks, at last the file and the end of the intent together. An intent that the sweeper
 * took meanwhile refuses the file.
 */
async function commitLongFile(ports: Ports, file: PlacedFile): Promise<void> {
  const upload = ports.newId();
  const intents = trashOps(
    file.chunks.map(({ chunk }) => chunk),
    upload,
    ports.now() + uploadMs,
  );
  await ports.tables.write(intents);
  const perCommit = Math.floor(opsMax / (1 + opsPerHolder * file.chunks[0]!.holders.length));
  for (const piece of pieces(file.chunks, perCommit)) await commitChunks(ports, piece);
  await concludeUpload(ports, file, intents);
}

async function commitChunks(ports: Ports, chunks: readonly PlacedChunk[]): Promise<void> {
  const operation = ports.newId();
  const ops = [...newChunksOps(chunks, operation), ...guardsFor(chunks, ports.now())];
  const outcome = await writeKnown(ports.tables, ops, operation);
  if (outcome === 'committed') return;
  await failIfHolderLeft(ports, chunks, ops, outcome);
  throw new Error(`chunk ${chunks[0]!.chunk} and others of its upload are already known`);
}

async function concludeUpload(
  ports: Ports,
  file: PlacedFile,
  intents: readonly TrashPut[],
): Promise<void> {
  const ends = intents.map(
    ({ key, fields }): Op => ({
      op: 'delete',
      key,
      when: { notBefore: fields.notBefore },
    }),
  );
  for (let tried = 1; ; tried++) {
    const current = await findFile(ports.tables, file.path);
    const operation = ports.newId();
    const ops = [...ends, ...swapFileOps(file, current, operation)];
    const outcome = await writeKnown(ports.tables, ops, operation);
    if (outcome === 'committed') return;
    if (tried === replacesMax || outcome.some(({ op }) => op < ends.length)) {
      throw new Error(
        `${file.path}: the upload took over ${uploadMs} ms, or others kept replacing it`,
      );
    }
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
    if (ops.length > opsMax && found.length > 1) return removeHalves(ports, paths);
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

function removalOps(found: readonly StoredFile[], operation: string): readonly Op[] {
  const chunks = found.flatMap(({ record }) => record.chunks.map(({ id }) => chunkId(id)));
  return [
    ...found.map(
      ({ path, record }): Op => ({
        op: 'delete',
        key: fileKey(path),
        when: { version: record.version, lastOp: record.lastOp },
      }),
    ),
    ...trashOps(chunks, operation, 0),
  ];
}
