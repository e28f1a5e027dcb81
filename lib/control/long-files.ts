import { createHash } from 'node:crypto';
import { encodeManifest } from '../contract/manifest.ts';
import type { Policy } from '../contract/policy.ts';
import { metadataRule } from '../core/metadata-rule.ts';
import { pieces } from '../core/pieces.ts';
import {
  guardsFor,
  namedIn,
  newChunksOps,
  opsPerHolder,
  type PlacedFile,
  swapFileOps,
  type TrashPut,
  trashOps,
} from './file-ops.ts';
import { findFile } from './find-files.ts';
import { readFleet } from './fleet.ts';
import { failIfHolderLeft } from './holder-left.ts';
import { chunksPerManifest, manifestsPerFileMax, replacesMax, uploadMs } from './limits.ts';
import { type Op, opsMax, type Ports } from './ports.ts';
import { chunkIdOf, type PlacedChunk, storeChunk } from './store.ts';
import { writeKnown } from './write-known.ts';

/** The file has more chunks than its manifest may name. */
export class FileTooLong extends Error {
  override readonly name = 'FileTooLong';
  readonly chunks: number;
  constructor(path: string, chunks: number) {
    super(`${path} has ${chunks} chunks: a file may have ${chunksPerFileMax}`);
    this.chunks = chunks;
  }
}

const chunksPerFileMax = chunksPerManifest * manifestsPerFileMax;

/** @throws FileTooLong */
export function mustFitManifest({ path, chunks }: PlacedFile): void {
  if (chunks.length > chunksPerFileMax) throw new FileTooLong(path, chunks.length);
}

/** Whether the file has more chunks than its record may name. */
export const needsManifest = ({ chunks }: PlacedFile, policy: Policy): boolean =>
  chunks.length > policy.chunksPerRecordMax;

/** What an upload has committed before its file: what names the chunks, and what removes them all. */
interface Begun {
  readonly manifest: readonly PlacedChunk[];
  readonly intents: readonly TrashPut[];
}

/**
 * A file that does not fit one transaction: first an intent that makes its chunks trash if it never
 * ends, then the chunks, at last the file and the end of the intent together. An intent that the sweeper
 * took meanwhile refuses the file.
 */
export async function commitLongFile(ports: Ports, file: PlacedFile): Promise<void> {
  const begun = needsManifest(file, ports.policy)
    ? await beginManifest(ports, file)
    : await beginList(ports, file);
  const perCommit = Math.floor(opsMax / (1 + opsPerHolder * file.chunks[0]!.holders.length));
  for (const piece of pieces(file.chunks, perCommit)) await commitChunks(ports, piece, []);
  await concludeUpload(ports, file, begun);
}

async function beginList(ports: Ports, { chunks }: PlacedFile): Promise<Begun> {
  const doomed = { chunks: chunks.map(({ chunk }) => chunk), manifests: [] };
  const intents = trashOps(doomed, ports.newId(), ports.now() + uploadMs);
  await ports.tables.write(intents);
  return { manifest: [], intents };
}

/**
 * Each piece of the manifest is committed with the intent that names it: there is no moment at which the
 * one is there without the other, and chunks that are committed later are named by both.
 */
async function beginManifest(ports: Ports, file: PlacedFile): Promise<Begun> {
  const manifest = await storeManifest(ports, file);
  const intents: TrashPut[] = [];
  for (const piece of manifest) {
    const doomed = { chunks: [], manifests: [piece.chunk] };
    const intent = trashOps(doomed, ports.newId(), ports.now() + uploadMs);
    await commitChunks(ports, [piece], intent);
    intents.push(...intent);
  }
  return { manifest, intents };
}

/** On nodes that may hold metadata, in as many copies as outlive what the file's own chunks outlive. */
async function storeManifest(
  ports: Ports,
  { chunks }: PlacedFile,
): Promise<readonly PlacedChunk[]> {
  const fleet = await readFleet(ports.tables);
  const upload = ports.newId();
  const rule = metadataRule(chunks.map(({ redundancy }) => redundancy));
  const stored: PlacedChunk[] = [];
  for (const [i, piece] of pieces(chunks, chunksPerManifest).entries()) {
    const bytes = encodeManifest(piece.map(namedIn));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const chunk = { chunk: chunkIdOf(upload, i), bytes, sha256, kind: 'metadata' } as const;
    stored.push(await storeChunk(ports, fleet, chunk, upload, rule));
  }
  return stored;
}

async function commitChunks(
  ports: Ports,
  chunks: readonly PlacedChunk[],
  intents: readonly TrashPut[],
): Promise<void> {
  const operation = ports.newId();
  const ops = [...newChunksOps(chunks, operation), ...guardsFor(chunks, ports.now()), ...intents];
  const outcome = await writeKnown(ports.tables, ops, operation);
  if (outcome === 'committed') return;
  await failIfHolderLeft(ports, chunks, ops, outcome);
  throw new Error(`chunk ${chunks[0]!.chunk} and others of its upload are already known`);
}

async function concludeUpload(
  ports: Ports,
  file: PlacedFile,
  { manifest, intents }: Begun,
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
    const ops = [...ends, ...swapFileOps(file, manifest, current, operation)];
    const outcome = await writeKnown(ports.tables, ops, operation);
    if (outcome === 'committed') return;
    if (tried === replacesMax || outcome.some(({ op }) => op < ends.length)) {
      throw new Error(
        `${file.path}: the upload took over ${uploadMs} ms, or others kept replacing it`,
      );
    }
  }
}
