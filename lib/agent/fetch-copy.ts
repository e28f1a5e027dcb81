import type { FetchTask } from './carrier-messages.ts';
import { DirectFile } from './direct-file.ts';
import { refuseOther } from './incoming.ts';
import { backgroundDiskMax, passBytes } from './limits.ts';
import { checksumOnDisk } from './read-back.ts';
import { Refusal } from './refusal.ts';
import { openSource, unreachable } from './source.ts';
import { Turns } from './turns.ts';

export interface FetchWatch {
  /** Waits until `bytes` may pass. */
  readonly pass: (bytes: number) => Promise<void>;
  readonly signal: AbortSignal;
}

const disk = new Turns(backgroundDiskMax);

/**
 * Copies a chunk from another node into a new file: when it returns, the bytes are on the disk, were read
 * back past the page cache and have their checksum. Otherwise the file may be there, and is worth nothing.
 *
 * @throws SourceFailed, Refusal 'checksum' or 'full', SyncFailed, what the disk says of a write, the signal's reason
 */
export async function fetchCopy(task: FetchTask, watch: FetchWatch): Promise<void> {
  // A held pull opens no connection that would only grow old.
  await watch.pass(0);
  const answer = await openSource({ ...task, signal: watch.signal });
  try {
    const file = await DirectFile.create(task.path);
    try {
      for await (const piece of piecesOf(answer, task, watch))
        await disk.run(() => file.write(piece));
      await disk.run(() => file.settle());
    } finally {
      await file.close();
    }
  } finally {
    answer.destroy();
  }
  watch.signal.throwIfAborted();
  refuseOther(await disk.run(() => checksumOnDisk(task.path)), task.sha256);
}

/** Exactly the announced bytes, as fast as they may pass. */
async function* piecesOf(
  answer: AsyncIterable<Buffer>,
  { node, size }: FetchTask,
  { pass }: FetchWatch,
): AsyncGenerator<Buffer> {
  let arrived = 0;
  let passed = 0;
  try {
    for await (const piece of answer) {
      arrived += piece.length;
      if (arrived > size) throw new Refusal('checksum', `more than ${size} bytes came`);
      if (arrived - passed >= passBytes || arrived === size) {
        await pass(arrived - passed);
        passed = arrived;
      }
      yield piece;
    }
  } catch (error) {
    throw error instanceof Refusal ? error : unreachable(node, error as Error);
  }
  if (arrived !== size)
    throw new Refusal('checksum', `${arrived} bytes came, ${size} were announced`);
}
