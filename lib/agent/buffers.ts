import { readBuffersKeptMax, readBytes } from './limits.ts';

/**
 * Buffers that are used again and again. Fresh ones at 50 MB/s make the garbage collector stop the process
 * for 10 to 20 ms five times a second, and clients wait.
 */
class Buffers {
  readonly #bytes: number;
  readonly #spareMax: number;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  constructor(bytes: number, spareMax: number) {
    this.#bytes = bytes;
    this.#spareMax = spareMax;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#spare.pop() ?? pageAligned(this.#bytes);
  }

  /** Nobody looks at `buffer` any more. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#spare.length < this.#spareMax) this.#spare.push(buffer);
  }
}

/** Direct reads want memory that begins at a page: a resizable buffer does, an ordinary one need not. */
const pageAligned = (bytes: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new ArrayBuffer(bytes, { maxByteLength: bytes }));

/** What is read from chunks' files. */
export const readBuffers = new Buffers(readBytes, readBuffersKeptMax);
