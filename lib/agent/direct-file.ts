import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SyncFailed } from './journal.ts';
import { writeBytes } from './limits.ts';
import { Refusal } from './refusal.ts';

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
/** Absent where the platform has none. */
const O_DIRECT: number = constants.O_DIRECT ?? 0;
/** Direct writes are whole blocks of at most this size on every file system that has them. */
const blockBytes = 4_096;

/** Direct transfers want memory that begins at a page: a resizable buffer does, an ordinary one need not. */
export const pageAligned = (length: number): Uint8Array =>
  new Uint8Array(new ArrayBuffer(length, { maxByteLength: length }));

/** Buffers that no file uses now; as many as files were ever open at once, which their callers bound. */
const spare: Uint8Array[] = [];

/**
 * A new file that is written past the page cache where the file system can. Dirty pages of a migration
 * would be written out by the next client's sync (ext4 in its ordered mode flushes all of a transaction's
 * data), and push what clients read out of memory.
 */
export class DirectFile {
  readonly #file: FileHandle;
  readonly #buffer: Uint8Array;
  #gathered = 0;
  #at = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
    this.#buffer = spare.pop() ?? pageAligned(writeBytes);
  }

  static async create(path: string): Promise<DirectFile> {
    const flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW;
    try {
      return new DirectFile(await open(path, flags | O_DIRECT, 0o640));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      // The file was made before the file system said that it has no direct writes.
      return new DirectFile(await open(path, O_WRONLY | O_NOFOLLOW, 0o640));
    }
  }

  async write(piece: Uint8Array): Promise<void> {
    for (let from = 0; from < piece.length; ) {
      const part = piece.subarray(from, from + this.#buffer.length - this.#gathered);
      this.#buffer.set(part, this.#gathered);
      this.#gathered += part.length;
      from += part.length;
      if (this.#gathered === this.#buffer.length) await this.#flush(this.#gathered);
    }
  }

  /** The last block is filled up, and cut off again. @throws SyncFailed, what the disk says of a write */
  async settle(): Promise<void> {
    const size = this.#at + this.#gathered;
    const whole = Math.ceil(this.#gathered / blockBytes) * blockBytes;
    if (whole > 0) await this.#flush(whole);
    if (this.#at !== size) await this.#file.truncate(size);
    try {
      await this.#file.sync();
    } catch (error) {
      throw new SyncFailed(error);
    }
  }

  async close(): Promise<void> {
    spare.push(this.#buffer);
    await this.#file.close();
  }

  async #flush(length: number): Promise<void> {
    const { bytesWritten } = await this.#file.write(this.#buffer, 0, length, this.#at);
    if (bytesWritten < length) throw new Refusal('full', 'the disk is full');
    this.#at += length;
    this.#gathered = 0;
  }
}
