import { putFiles } from '../../client/put.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import type { Context } from '../context.ts';
import { Meter } from '../meter.ts';
import { UserError } from '../user-error.ts';
import type { DataSet } from './data-set.ts';
import type { Narrator } from './stage.ts';

/** Stores all files of a run. @throws UserError with the first that cannot be stored */
export async function storeSet(
  { io }: Context,
  ports: Ports,
  { files, bytes }: DataSet,
  narrator: Narrator,
): Promise<void> {
  narrator.say(`Storing ${files.length} files, three copies each, one a zone`);
  const meter = new Meter(io, '          ');
  const result = await putFiles(ports, files, {
    onProgress: (progress) =>
      meter.show({
        doneBytes: progress.bytes,
        totalBytes: progress.bytesTotal,
        note: `${progress.files} of ${progress.filesTotal} files`,
      }),
    signal: io.interrupted,
  });
  meter.end();
  const [problem] = result.problems;
  if (problem !== undefined) throw new UserError(`${problem.path} ${problem.problem}.`);
  narrator.say(`Stored ${formatBytes(bytes)}, every copy synced and committed`);
}
