import { createHash } from 'node:crypto';
import * as fence from '../core/fence.ts';
import type { ChunkId } from '../core/ids.ts';

export interface Copy {
  readonly bytes: Uint8Array;
  /** Of what was written. */
  readonly sha256: string;
  readonly slot: number;
  readonly epoch: number;
  /** Virtual moment. */
  readonly writtenAt: number;
}

/** One chunk's place on a disk: its fence, and its copy unless this is a tombstone. */
export interface Shelf {
  readonly fence: number;
  readonly copy: Copy | undefined;
}

/** What a node decides on its own disk. Tests plant a bug by replacing one rule. */
export interface DiskRules {
  readonly judgePut: typeof fence.judgePut;
  readonly judgeDelete: typeof fence.judgeDelete;
  readonly judgeRenewal: typeof fence.judgeRenewal;
  readonly raiseFence: (old: number, epoch: number) => number;
  /** Are the bytes on disk those that were announced? */
  readonly matches: (bytes: Uint8Array, sha256: string) => boolean;
  /** How long after its receipt a copy survives a power cut. */
  readonly syncDelayMs: number;
}

export const soundRules: DiskRules = {
  judgePut: fence.judgePut,
  judgeDelete: fence.judgeDelete,
  judgeRenewal: fence.judgeRenewal,
  raiseFence: Math.max,
  matches: (bytes, sha256) => sha256Of(bytes) === sha256,
  syncDelayMs: 0,
};

/** Bytes are never changed in place, so each array is hashed once. */
const hashes = new WeakMap<Uint8Array, string>();

export function sha256Of(bytes: Uint8Array): string {
  let hash = hashes.get(bytes);
  if (hash === undefined) {
    hash = createHash('sha256').update(bytes).digest('hex');
    hashes.set(bytes, hash);
  }
  return hash;
}

/** One bit is not what it was. */
export function flipped(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(1);
  const wrong = new Uint8Array(bytes);
  wrong[wrong.length >> 1]! ^= 1;
  return wrong;
}

/** A disk with a volatile and a durable half: a power cut brings back what was durable. */
export class Disk {
  readonly capacity: number;
  used = 0;
  readonly #shelves = new Map<ChunkId, Shelf>();
  /** Of each shelf that is not yet synced, what a power cut would leave. */
  readonly #durable = new Map<ChunkId, Shelf | undefined>();

  #held: readonly ChunkId[] | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  shelf(chunk: ChunkId): Shelf | undefined {
    return this.#shelves.get(chunk);
  }

  /** What a power cut now would leave of it. */
  durableShelf(chunk: ChunkId): Shelf | undefined {
    return this.#durable.has(chunk) ? this.#durable.get(chunk) : this.#shelves.get(chunk);
  }

  /** Visible at once; durable after {@link sync}. */
  set(chunk: ChunkId, shelf: Shelf): void {
    if (!this.#durable.has(chunk)) this.#durable.set(chunk, this.#shelves.get(chunk));
    this.#put(chunk, shelf);
  }

  sync(chunk: ChunkId): void {
    this.#durable.delete(chunk);
  }

  /** Swaps a copy's bytes behind everybody's back. */
  rot(chunk: ChunkId): void {
    const shelf = this.#shelves.get(chunk);
    if (shelf?.copy === undefined) return;
    this.#shelves.set(chunk, {
      ...shelf,
      copy: { ...shelf.copy, bytes: flipped(shelf.copy.bytes) },
    });
  }

  /** Chunks whose bytes are not those that were written, in order. */
  damaged(): readonly ChunkId[] {
    return this.held().filter((chunk) => {
      const { bytes, sha256 } = this.#shelves.get(chunk)!.copy!;
      return sha256Of(bytes) !== sha256;
    });
  }

  cutPower(): void {
    for (const [chunk, shelf] of this.#durable) this.#put(chunk, shelf);
    this.#durable.clear();
  }

  /** Chunks whose bytes are held, in order. */
  held(): readonly ChunkId[] {
    this.#held ??= [...this.#shelves]
      .filter(([, shelf]) => shelf.copy !== undefined)
      .map(([chunk]) => chunk)
      .sort();
    return this.#held;
  }

  #put(chunk: ChunkId, shelf: Shelf | undefined): void {
    this.#held = undefined;
    this.used -= this.#shelves.get(chunk)?.copy?.bytes.length ?? 0;
    this.used += shelf?.copy?.bytes.length ?? 0;
    if (shelf === undefined) this.#shelves.delete(chunk);
    else this.#shelves.set(chunk, shelf);
  }
}
