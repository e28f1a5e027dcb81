import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { readBuffers } from './buffers.ts';

const { O_RDONLY, O_NOFOLLOW } = constants;
/** Absent where the platform has none. */
const O_DIRECT: number = constants.O_DIRECT ?? 0;

/**
 * SHA-256 of what the disk holds, read past the page cache where the file system can: the cache would only
 * show what was meant to be written.
 */
export async function checksumOnDisk(path: string): Promise<string> {
  try {
    return await checksumThrough(path, O_RDONLY | O_NOFOLLOW | O_DIRECT);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    return checksumThrough(path, O_RDONLY | O_NOFOLLOW);
  }
}

async function checksumThrough(path: string, flags: number): Promise<string> {
  const file = await open(path, flags);
  const buffer = readBuffers.take();
  try {
    return await checksumOf(file, buffer);
  } finally {
    readBuffers.giveBack(buffer);
    await file.close();
  }
}

async function checksumOf(file: FileHandle, buffer: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    // Direct reads are whole blocks except at the end.
    if (bytesRead < buffer.length) return hash.digest('hex');
  }
}
