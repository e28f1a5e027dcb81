import type { Progress } from '../../client/progress.ts';
import type { Context } from '../context.ts';
import { Meter } from '../meter.ts';
import { counted } from '../text.ts';

/** Shows a transfer's progress while it runs; Ctrl-C ends it after what is under way. */
export async function transfer<T>(
  { io }: Context,
  label: string,
  run: (options: {
    readonly onProgress: (progress: Progress) => void;
    readonly signal: AbortSignal;
  }) => Promise<T>,
): Promise<T> {
  const meter = new Meter(io, label);
  const onProgress = ({ bytes, bytesTotal, files, filesTotal }: Progress) =>
    meter.show({
      doneBytes: bytes,
      totalBytes: bytesTotal,
      note: `${files} of ${counted(filesTotal, 'file')}`,
    });
  try {
    return await run({ onProgress, signal: io.interrupted });
  } finally {
    meter.end();
  }
}
