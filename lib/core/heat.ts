import { byCodeUnit } from './ids.ts';

/** Chunks that a node remembers the heat of: 20,000 entries of 150 bytes are 3 MB. */
export const heatChunksMax = 10_000;
/** A read counts 1/e of itself after an hour: so the sum of what is left is accesses an hour. */
const decayMs = 3_600_000;

interface Reads {
  readonly heat: number;
  /** When it was that. */
  readonly at: number;
}

/** A chunk and its accesses an hour. */
export interface ChunkHeat {
  readonly chunk: string;
  readonly heat: number;
}

/**
 * How often each chunk was read of late: accesses an hour, exponentially decayed. Memory is bounded: at
 * twice {@link heatChunksMax} chunks the colder half is forgotten, as in lossy counting (Manku and Motwani,
 * "Approximate frequency counts over data streams", VLDB 2002). What is told is never too high, and too low
 * by at most what a chunk had when it was forgotten, less than what 10,000 others had. Moments are
 * milliseconds of any clock that never runs backwards.
 */
export class Heat {
  readonly #kept: number;
  #chunks = new Map<string, Reads>();

  constructor(kept = heatChunksMax) {
    this.#kept = kept;
  }

  read(chunk: string, now: number): void {
    this.#chunks.set(chunk, { heat: this.of(chunk, now) + 1, at: now });
    if (this.#chunks.size >= 2 * this.#kept) this.#forgetColder(now);
  }

  /** 0 where it is not known. */
  of(chunk: string, now: number): number {
    const reads = this.#chunks.get(chunk);
    return reads === undefined ? 0 : decayed(reads, now);
  }

  /** Hottest first; equals by id. */
  hottest(limit: number, now: number, isHeld: (chunk: string) => boolean): ChunkHeat[] {
    return [...this.#chunks]
      .filter(([chunk]) => isHeld(chunk))
      .map(([chunk, reads]) => ({ chunk, heat: decayed(reads, now) }))
      .sort((left, right) => right.heat - left.heat || byCodeUnit(left.chunk, right.chunk))
      .slice(0, limit);
  }

  #forgetColder(now: number): void {
    const kept = this.hottest(this.#kept, now, () => true);
    this.#chunks = new Map(kept.map(({ chunk, heat }) => [chunk, { heat, at: now }]));
  }
}

const decayed = ({ heat, at }: Reads, now: number): number =>
  heat * Math.exp(-Math.max(0, now - at) / decayMs);
