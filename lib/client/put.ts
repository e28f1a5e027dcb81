import { createHash } from 'node:crypto';
import { commitFiles, HolderLeft, type PlacedFile } from '../control/files.ts';
import type { NodeWithBeat } from '../control/fleet.ts';
import {
  NodeRefused,
  NodeUnreachable,
  OutcomeUnknown,
  type Ports,
  TryLater,
} from '../control/ports.ts';
import {
  chunkIdOf,
  NoRoom,
  type PlacedChunk,
  storeChunk,
  takeBackUncommitted,
} from '../control/store.ts';
import type { Redundancy } from '../core/fleet.ts';
import { ByteBudget } from './byte-budget.ts';
import { FleetView } from './fleet-view.ts';
import { allSettled, eachInFlight } from './in-flight.ts';
import {
  chunkBytesMax,
  groupBytesMax,
  groupFilesMax,
  groupsInFlightMax,
  memoryBytesMax,
  storeRetryMs,
  storeTriesMax,
} from './limits.ts';
import { type Progress, Tally } from './progress.ts';
import { FileFailed, type FileProblem } from './refusal.ts';
import { SteadyFile } from './steady-file.ts';
import type { SourceFile } from './walk.ts';

export interface PutOptions {
  /** How the chunks survive. @default the policy's */
  readonly redundancy?: Redundancy;
  readonly onProgress?: (progress: Progress) => void;
  /** Nothing new is begun after it; what is under way is finished. */
  readonly signal?: AbortSignal;
  /** Waits between tries. @default a timer */
  readonly pause?: (ms: number) => Promise<void>;
}

export interface PutResult {
  /** Acknowledged: durable on every holder and committed. */
  readonly filesStored: number;
  readonly bytesStored: number;
  readonly problems: readonly FileProblem[];
}

interface Putting {
  readonly ports: Ports;
  readonly fleet: FleetView;
  readonly memory: ByteBudget;
  readonly tally: Tally;
  readonly problems: FileProblem[];
  readonly pause: (ms: number) => Promise<void>;
  readonly redundancy: Redundancy;
  stored: { files: number; bytes: number };
}

/**
 * Stores files: small ones in groups that share a transaction, large ones in chunks. A file that changes or
 * vanishes meanwhile is a problem of its own and leaves nothing committed.
 *
 * @throws NoRoom, and what the world does when it goes on after {@link storeTriesMax} tries
 */
export async function putFiles(
  ports: Ports,
  files: readonly SourceFile[],
  options: PutOptions = {},
): Promise<PutResult> {
  const bytesTotal = files.reduce((sum, file) => sum + file.size, 0);
  const putting: Putting = {
    ports,
    fleet: new FleetView(ports),
    memory: new ByteBudget(memoryBytesMax),
    tally: new Tally(files.length, bytesTotal, options.onProgress),
    problems: [],
    pause: options.pause ?? ((ms) => new Promise((done) => setTimeout(done, ms))),
    redundancy: options.redundancy ?? ports.policy.redundancy,
    stored: { files: 0, bytes: 0 },
  };
  const put = (group: readonly SourceFile[]) => putGroup(putting, group);
  await eachInFlight(groupsOf(files), groupsInFlightMax, put, options.signal);
  const { problems, stored } = putting;
  return { filesStored: stored.files, bytesStored: stored.bytes, problems };
}

/** In the files' order: as many as fit one transaction and the bytes of a group; a large one alone. */
export function* groupsOf(files: Iterable<SourceFile>): Generator<readonly SourceFile[]> {
  let group: SourceFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (group.length === groupFilesMax || (group.length > 0 && bytes + file.size > groupBytesMax)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.size;
  }
  if (group.length > 0) yield group;
}

async function putGroup(putting: Putting, group: readonly SourceFile[]): Promise<void> {
  for (let tried = 1; ; tried++) {
    const attempt = new Attempt(putting);
    try {
      return await attempt.put(group);
    } catch (error) {
      attempt.takeBack();
      if (!mayPass(error) || tried === storeTriesMax) throw error;
      putting.fleet.forget();
      await putting.pause(storeRetryMs * 2 ** (tried - 1));
    }
  }
}

/**
 * A node that restarts, a fleet that grows. Nothing was acknowledged, so storing again under new chunk ids is right
 * even when the outcome is unknown.
 */
const mayPass = (error: unknown): boolean =>
  error instanceof HolderLeft ||
  error instanceof NoRoom ||
  error instanceof TryLater ||
  error instanceof OutcomeUnknown ||
  error instanceof NodeUnreachable ||
  error instanceof NodeRefused;

/** One try at a group. */
class Attempt {
  readonly #putting: Putting;
  /** Files of a group share it, so that their chunks share holders and their commit checks few guards. */
  readonly #seed: string;
  readonly #placed: PlacedChunk[] = [];
  #bytes = 0;

  constructor(putting: Putting) {
    this.#putting = putting;
    this.#seed = putting.ports.newId();
  }

  async put(group: readonly SourceFile[]): Promise<void> {
    const fleet = await this.#putting.fleet.now();
    const results = await allSettled(group.map((file) => this.#place(fleet, file))).catch(
      (error: unknown) => this.#takeBackAll(error),
    );
    const placed = results.flatMap((result) => ('problem' in result ? [] : [result]));
    if (placed.length > 0) await commitFiles(this.#putting.ports, placed);
    this.#putting.problems.push(...results.filter((result) => 'problem' in result));
    this.#putting.stored.files += placed.length;
    this.#putting.stored.bytes += placed.reduce((sum, file) => sum + file.size, 0);
    this.#putting.tally.add(group.length, 0);
  }

  /** Nothing of the attempt was committed, and nothing of it will be. */
  async #takeBackAll(error: unknown): Promise<never> {
    await takeBackUncommitted(this.#putting.ports, this.#placed);
    throw error;
  }

  takeBack(): void {
    this.#putting.tally.add(0, -this.#bytes);
  }

  async #place(
    fleet: readonly NodeWithBeat[],
    { path, from }: SourceFile,
  ): Promise<PlacedFile | FileProblem> {
    try {
      return await SteadyFile.with(from, (file) => this.#placeOpen(fleet, path, file));
    } catch (error) {
      if (error instanceof FileFailed) return { path: from, problem: error.message };
      throw error;
    }
  }

  /** Reads in order, for the checksum of the whole; a chunk is sent while the next is read. */
  async #placeOpen(
    fleet: readonly NodeWithBeat[],
    path: string,
    file: SteadyFile,
  ): Promise<PlacedFile> {
    const whole = createHash('sha256');
    const sent: Promise<PlacedChunk>[] = [];
    let failed = false;
    const id = this.#putting.ports.newId();
    try {
      for (let at = 0; at < file.size && !failed; at += chunkBytesMax) {
        const length = Math.min(chunkBytesMax, file.size - at);
        const release = await this.#putting.memory.take(length);
        const bytes = await file.read(at, length).catch(thenThrow(release));
        if (file.size > length) whole.update(bytes);
        const sending = this.#send(fleet, id, at / chunkBytesMax, bytes).finally(release);
        sending.catch(() => {
          failed = true; // ends the reading; the error itself is met below
        });
        sent.push(sending);
      }
    } finally {
      await Promise.allSettled(sent);
    }
    const chunks = await allSettled(sent);
    await file.assertUnchanged();
    const sha256 = chunks.length === 1 ? chunks[0]!.sha256 : whole.digest('hex');
    return { path, size: file.size, mode: file.mode, modifiedAt: file.modifiedAt, sha256, chunks };
  }

  async #send(
    fleet: readonly NodeWithBeat[],
    file: string,
    index: number,
    bytes: Uint8Array,
  ): Promise<PlacedChunk> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const chunk = { chunk: chunkIdOf(file, index), bytes, sha256 };
    const seed = index === 0 ? this.#seed : `${this.#seed}.${index}`;
    const { ports, redundancy } = this.#putting;
    const placed = await storeChunk(ports, fleet, chunk, seed, redundancy);
    this.#placed.push(placed);
    this.#bytes += bytes.length;
    this.#putting.tally.add(0, bytes.length);
    return placed;
  }
}

const thenThrow = (cleanUp: () => void) => (error: unknown) => {
  cleanUp();
  throw error;
};
