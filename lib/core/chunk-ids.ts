import { assert } from './assert.ts';
import { Growing } from './growing.ts';
import type { ChunkId } from './ids.ts';

/** A code unit that is no ASCII takes this mark and two bytes: ids are nearly always ASCII. */
const wide = 0xff;
const asciiEnd = 0x80;
const arenaBytesMax = 2 ** 32 - 1;

/**
 * The ids of a fleet's chunks, numbered in the order in which they were added. They lie end to end in one
 * array of bytes, with a hash table of their numbers: ten million ids of nine letters take about
 * 90 MB, 40 MB of offsets and 134 MB of table, and nothing that a garbage collector must walk.
 */
export class ChunkIds {
  #bytes = new Uint8Array(1024);
  /** Id n is `bytes[start(n)] … bytes[start(n + 1) - 1]`. */
  readonly #start = new Growing(new Uint32Array(16));
  /** Numbers plus 1 by hash, at most half full; 0 is free. */
  #table = new Int32Array(64);

  constructor() {
    this.#start.push(0);
  }

  get count(): number {
    return this.#start.length - 1;
  }

  /** The number of the new id, or nothing if it was added before. */
  add(id: string): number | undefined {
    const number = this.count;
    const end = this.#write(id);
    const place = this.#place(this.#start.at(number), end);
    if (this.#table[place] !== 0) return undefined;
    this.#start.push(end);
    this.#table[place] = number + 1;
    if (2 * (number + 1) >= this.#table.length) this.#spread();
    return number;
  }

  indexOf(id: string): number | undefined {
    const end = this.#write(id);
    const found = this.#table[this.#place(this.#start.at(this.count), end)]!;
    return found === 0 ? undefined : found - 1;
  }

  at(number: number): ChunkId {
    assert(number >= 0 && number < this.count, 'a chunk of this map');
    const codes: number[] = [];
    const end = this.#start.at(number + 1);
    for (let at = this.#start.at(number); at < end; at++) {
      const byte = this.#bytes[at]!;
      codes.push(byte === wide ? (this.#bytes[++at]! << 8) | this.#bytes[++at]! : byte);
    }
    return String.fromCharCode(...codes) as ChunkId;
  }

  /** Writes the id behind the last one and returns its end: it stays only if the end is kept. */
  #write(id: string): number {
    let at = this.#start.at(this.count);
    this.#reserve(at + 3 * id.length);
    for (let unit = 0; unit < id.length; unit++) {
      const code = id.charCodeAt(unit);
      if (code >= asciiEnd) {
        this.#bytes[at++] = wide;
        this.#bytes[at++] = code >> 8;
      }
      this.#bytes[at++] = code & 0xff;
    }
    return at;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    if (length > arenaBytesMax)
      throw new RangeError(`more than ${arenaBytesMax} bytes of chunk ids`);
    const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  /** Where the table has the id of these bytes, or has room for it. */
  #place(from: number, end: number): number {
    const mask = this.#table.length - 1;
    for (let place = this.#hash(from, end) & mask; ; place = (place + 1) & mask) {
      const entry = this.#table[place]!;
      if (entry === 0 || this.#isAt(entry - 1, from, end)) return place;
    }
  }

  #isAt(number: number, from: number, end: number): boolean {
    const start = this.#start.at(number);
    if (this.#start.at(number + 1) - start !== end - from) return false;
    for (let at = from; at < end; at++) {
      if (this.#bytes[start + at - from] !== this.#bytes[at]) return false;
    }
    return true;
  }

  /** FNV-1a, its high bits folded in: the table takes the low ones. */
  #hash(from: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let at = from; at < end; at++) hash = Math.imul(hash ^ this.#bytes[at]!, 0x01000193);
    return hash ^ (hash >>> 15);
  }

  #spread(): void {
    this.#table = new Int32Array(2 * this.#table.length);
    for (let number = 0; number < this.count; number++) {
      const place = this.#place(this.#start.at(number), this.#start.at(number + 1));
      this.#table[place] = number + 1;
    }
  }
}
