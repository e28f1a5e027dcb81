import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { readBuffers } from './buffers.ts';

const { O_RDONLY, O_NOFOLLOW } = constants;
/** Absent where the platform has none. */
const O_DIRECT: number = constants.O_DIRECT ?? 0;

/** Lets a piece of a file be read: at once, in turn, at a rate. What it throws ends the reading. */
export type Paced = <T>(read: () => Promise<T>) => Promise<T>;
const atOnce: Paced = (read) => read();

/**
 * SHA-256 of what the disk holds, read past the page cache where the file system can: the cache would only
 * show what was meant to be written.
 */
export async function checksumOnDisk(path: string, paced: Paced = atOnce): Promise<string> {
  try {
    return await checksumThrough(path, O_RDONLY | O_NOFOLLOW | O_DIRECT, paced);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    return checksumThrough(path, O_RDONLY | O_NOFOLLOW, paced);
  }
}

async function checksumThrough(path: string, flags: number, paced: Paced): Promise<string> {
  const file = await open(path, flags);
  const buffer = readBuffers.take();
  try {
    return await checksumOf(file, buffer, paced);
  } finally {
    readBuffers.giveBack(buffer);
    await file.close();
  }
}

async function checksumOf(file: FileHandle, buffer: Uint8Array, paced: Paced): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; ; ) {
    const { bytesRead } = await paced(() => file.read(buffer, 0, buffer.length, at));
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    // Direct reads are whole blocks except at the end.
    if (bytesRead < buffer.length) return hash.digest('hex');
  }
}
