import { putFiles } from '../../client/put.ts';
import { findSource } from '../../client/walk.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { exitCodeFor, problemLines } from './problems.ts';
import { transfer } from './transfer.ts';

/** Stores a file or a whole tree. The source is looked at before the store is spoken to. */
export async function put(context: Context, source: string, destination: string): Promise<Answer> {
  const found = await findSource(source, destination, context.globals.home);
  const result = await withStore(context, (ports) =>
    transfer(context, 'put', (options) => putFiles(ports, found.files, options)),
  );
  const { symlinksSkipped } = found;
  const { filesStored, bytesStored, problems } = result;
  return {
    document: { ...result, symlinksSkipped },
    text: () =>
      [
        ...problemLines(problems),
        `Stored ${counted(filesStored, 'file')}, ${formatBytes(bytesStored)}.`,
        ...(symlinksSkipped > 0 ? [`Left out ${counted(symlinksSkipped, 'symbolic link')}.`] : []),
      ].join('\n'),
    exitCode: exitCodeFor(problems),
  };
}
