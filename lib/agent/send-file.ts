import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { readBuffers } from './buffers.ts';
import { readBytes } from './limits.ts';
import type { ByteRange } from './range.ts';

export interface Passage {
  readonly gone: AbortSignal;
  /** Waits until `bytes` may go. */
  readonly pass: (bytes: number) => Promise<void>;
}

/** Sends a part of a file: one buffer is read while the other is sent, so that memory stays bounded. */
export async function sendFile(
  file: FileHandle,
  { from, to }: ByteRange,
  response: ServerResponse,
  { gone, pass }: Passage,
): Promise<void> {
  const buffers = [readBuffers.take()];
  if (to - from > readBytes) buffers.push(readBuffers.take());
  let sent: Promise<void> = Promise.resolve();
  for (let at = from, turn = 0; at < to; turn += 1) {
    const buffer = buffers[turn % buffers.length]!;
    const { bytesRead } = await file.read(buffer, 0, Math.min(readBytes, to - at), at);
    if (bytesRead === 0) throw new Error('the file ended early');
    await sent;
    await pass(bytesRead);
    sent = send(response, buffer.subarray(0, bytesRead), gone);
    // Awaited a step later, or not at all when the next read fails.
    sent.catch(() => {});
    at += bytesRead;
  }
  await sent;
  response.end();
  // Of a response that failed nobody knows who still looks at them.
  for (const buffer of buffers) readBuffers.giveBack(buffer);
}

/** Resolves when the bytes are out of our hands. */
function send(response: ServerResponse, bytes: Uint8Array, gone: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abandon = () => reject(gone.reason);
    if (gone.aborted) return abandon();
    gone.addEventListener('abort', abandon, { once: true });
    response.write(bytes, (error) => {
      gone.removeEventListener('abort', abandon);
      if (error) reject(error);
      else resolve();
    });
  });
}
