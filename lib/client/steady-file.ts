import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FileFailed, inWords } from './refusal.ts';

/** A file that must not change from its opening to its end. */
export class SteadyFile {
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
  readonly #handle: FileHandle;
  readonly #before: BigIntStats;

  private constructor(handle: FileHandle, before: BigIntStats) {
    this.#handle = handle;
    this.#before = before;
    this.size = Number(before.size);
    this.mode = Number(before.mode & 0o7777n);
    this.modifiedAt = Number(before.mtimeMs);
  }

  /** Opens `path` for `use` and closes it. @throws FileFailed when it changes, vanishes or cannot be read */
  static async with<T>(path: string, use: (file: SteadyFile) => Promise<T>): Promise<T> {
    const handle = await open(path, readWithoutWaiting).catch(failed);
    try {
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw new FileFailed('is no regular file any more');
      return await use(new SteadyFile(handle, stats));
    } finally {
      await handle.close();
    }
  }

  /** Exactly `length` bytes from `position`. @throws FileFailed when the file is shorter now */
  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle
        .read(buffer, done, length - done, position + done)
        .catch(failed);
      if (bytesRead === 0) throw new FileFailed(changed);
      done += bytesRead;
    }
    return buffer;
  }

  /** @throws FileFailed when size, time of modification or identity are not what they were */
  async assertUnchanged(): Promise<void> {
    const now = await this.#handle.stat({ bigint: true });
    const { size, mtimeNs, ino } = this.#before;
    if (now.size !== size || now.mtimeNs !== mtimeNs || now.ino !== ino) {
      throw new FileFailed(changed);
    }
  }
}

/** A named pipe that took the file's place meanwhile must not hold up its opener. */
const readWithoutWaiting = constants.O_RDONLY | constants.O_NONBLOCK;

const changed = 'changed while it was read and was not stored';

const failed = (error: unknown): never => {
  throw new FileFailed(inWords(error), { cause: error });
};
