import { createHash } from 'node:crypto';
import type { ChunkRecord, FileChunk } from '../contract/records.ts';
import { readChunks } from '../control/chunks.ts';
import type { StoredFile } from '../control/files.ts';
import { listChunks } from '../control/manifest.ts';
import type { Ports } from '../control/ports.ts';
import { ChunkGone, ChunkUnreadable, readChunk } from '../control/read.ts';
import { type ChunkId, chunkId } from '../core/ids.ts';
import { pieces } from '../core/pieces.ts';
import { ByteBudget } from './byte-budget.ts';
import { FleetView } from './fleet-view.ts';
import { eachInFlight } from './in-flight.ts';
import { memoryBytesMax, placementsPerRead, readsInFlightMax } from './limits.ts';
import { type Progress, Tally } from './progress.ts';
import { FileFailed, type FileProblem } from './refusal.ts';

export interface ReadOptions {
  readonly onProgress?: (progress: Progress) => void;
  /** Nothing new is begun after it; what is under way is finished. */
  readonly signal?: AbortSignal;
}

/** Reads one stored file's bytes in order; at its end they matched the file's checksum. @throws FileFailed */
export type ReadFile = (onBytes: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

/**
 * Calls `use` for each file, several at once, with a way to read it. Placements are read many a call. What
 * goes wrong with one file is a problem of that file.
 */
export async function readEach(
  ports: Ports,
  files: readonly StoredFile[],
  use: (file: StoredFile, read: ReadFile) => Promise<void>,
  options: ReadOptions,
): Promise<readonly FileProblem[]> {
  const bytesTotal = files.reduce((sum, { record }) => sum + record.size, 0);
  const tally = new Tally(files.length, bytesTotal, options.onProgress);
  const reader = new Reader(ports, tally);
  const problems: FileProblem[] = [];
  for (const lot of lotsOf(files)) {
    const placements = await placementsOf(ports, lot);
    const one = async (file: StoredFile) => {
      const problem = await problemOf(() => use(file, reader.readOf(file, placements)));
      if (problem !== undefined) problems.push({ path: file.path, problem });
      tally.add(1, 0);
    };
    await eachInFlight(lot, readsInFlightMax, one, options.signal);
  }
  return problems;
}

async function problemOf(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof FileFailed) return error.message;
    if (error instanceof ChunkGone) return 'was removed while it was read';
    if (error instanceof ChunkUnreadable) return `cannot be read: ${error.message}`;
    throw error;
  }
}

/** Files whose chunks' placements are read together; one with more chunks than that reads its own, in pieces. */
function* lotsOf(files: readonly StoredFile[]): Generator<readonly StoredFile[]> {
  let lot: StoredFile[] = [];
  let chunks = 0;
  for (const file of files) {
    const { chunks: named, manifest } = file.record;
    const more = manifest.length > 0 ? placementsPerRead + 1 : named.length;
    if (lot.length > 0 && chunks + more > placementsPerRead) {
      yield lot;
      lot = [];
      chunks = 0;
    }
    lot.push(file);
    chunks += more;
  }
  if (lot.length > 0) yield lot;
}

type Placements = ReadonlyMap<ChunkId, ChunkRecord>;

async function placementsOf(ports: Ports, lot: readonly StoredFile[]): Promise<Placements> {
  const named = lot.flatMap(({ record }) => record.chunks);
  return named.length > placementsPerRead ? new Map() : readPlacements(ports, named);
}

async function readPlacements(ports: Ports, chunks: readonly FileChunk[]): Promise<Placements> {
  const ids = chunks.map(({ id }) => chunkId(id));
  const records = await readChunks(ports.tables, ids);
  return new Map(records.flatMap((record, i) => (record === undefined ? [] : [[ids[i]!, record]])));
}

class Reader {
  readonly #ports: Ports;
  readonly #tally: Tally;
  readonly #fleet: FleetView;
  readonly #memory = new ByteBudget(memoryBytesMax);

  constructor(ports: Ports, tally: Tally) {
    this.#ports = ports;
    this.#tally = tally;
    this.#fleet = new FleetView(ports);
  }

  readOf({ record }: StoredFile, placements: Placements): ReadFile {
    return async (onBytes) => {
      const whole = createHash('sha256');
      const chunks = await listChunks(this.#ports, await this.#fleet.now(), record);
      for (const piece of pieces(chunks, placementsPerRead)) {
        const isLong = chunks.length > placementsPerRead || record.manifest.length > 0;
        const known = isLong ? await readPlacements(this.#ports, piece) : placements;
        for (const chunk of piece) {
          await this.#readOne(chunk, known, async (bytes) => {
            whole.update(bytes);
            await onBytes(bytes);
          });
        }
      }
      if (whole.digest('hex') !== record.sha256) {
        throw new FileFailed('does not have the bytes that were stored: its SHA-256 differs');
      }
    };
  }

  async #readOne(
    { id, size }: FileChunk,
    placements: Placements,
    onBytes: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const release = await this.#memory.take(size);
    try {
      const fleet = await this.#fleet.now();
      const chunk = chunkId(id);
      const bytes = await readChunk(this.#ports, fleet, chunk, placements.get(chunk));
      await onBytes(bytes);
      this.#tally.add(0, bytes.length);
    } finally {
      release();
    }
  }
}
