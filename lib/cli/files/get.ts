import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { getFiles, type Wanted } from '../../client/get.ts';
import { fileAt, filesWithin } from '../../client/list.ts';
import { below, parseStorePath } from '../../client/store-path.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';
import { exitCodeFor, problemLines } from './problems.ts';
import { transfer } from './transfer.ts';

export interface GetCommandOptions {
  readonly force?: true;
}

/** Fetches a file or everything below a path, checked and durable. */
export const get = (
  context: Context,
  source: string,
  destination: string,
  { force }: GetCommandOptions,
): Promise<Answer> =>
  withStore(context, async (ports) => {
    const { files, into } = await findWanted(ports, source, destination);
    const existing = force ? 'overwrite' : 'refuse';
    const result = await transfer(context, 'get', (options) =>
      getFiles(ports, files, into, { ...options, existing }),
    );
    const { filesWritten, bytesWritten, problems } = result;
    return {
      document: result,
      text: () =>
        [
          ...problemLines(problems),
          `Fetched ${counted(filesWritten, 'file')}, ${formatBytes(bytesWritten)}.`,
        ].join('\n'),
      exitCode: exitCodeFor(problems),
    };
  });

/** As cp does: one file goes into a directory that is there, or gets the destination's name; a tree goes below it. */
async function findWanted(
  ports: Ports,
  source: string,
  destination: string,
): Promise<{ readonly files: readonly Wanted[]; readonly into: string }> {
  const path = parseStorePath(source);
  const one = path === '' ? undefined : await fileAt(ports.tables, path);
  if (one !== undefined) {
    if (destination.endsWith('/') || (await isDirectory(destination))) {
      return { files: [{ ...one, to: below(path, path) }], into: destination };
    }
    return { files: [{ ...one, to: basename(destination) }], into: dirname(destination) };
  }
  const files = await filesWithin(ports.tables, path);
  if (files.length === 0) throw new UserError(`Nothing is stored at ${JSON.stringify(source)}.`);
  return {
    files: files.map((file) => ({ ...file, to: below(file.path, path) })),
    into: destination,
  };
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
