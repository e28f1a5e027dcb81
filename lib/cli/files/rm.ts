import { fileAt, filesWithin } from '../../client/list.ts';
import { parseStorePath } from '../../client/store-path.ts';
import { removeFiles } from '../../control/files.ts';
import type { Ports } from '../../control/ports.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';

export interface RmOptions {
  readonly recursive?: true;
}

/** Removes files, or with `recursive` everything below. Every path is looked up before any is removed. */
export const rm = (
  context: Context,
  paths: readonly string[],
  { recursive }: RmOptions,
): Promise<Answer> =>
  withStore(context, async (ports) => {
    const find = recursive ? findTree : findOne;
    const found = (await Promise.all(paths.map((path) => find(ports, path)))).flat();
    const filesRemoved = await removeFiles(ports, [...new Set(found)]);
    return { document: { filesRemoved }, text: () => `Removed ${counted(filesRemoved, 'file')}.` };
  });

async function findTree(ports: Ports, typed: string): Promise<readonly string[]> {
  const files = await filesWithin(ports.tables, parseStorePath(typed));
  if (files.length === 0) throw new UserError(`Nothing is stored at ${JSON.stringify(typed)}.`);
  return files.map(({ path }) => path);
}

async function findOne(ports: Ports, typed: string): Promise<readonly string[]> {
  const path = parseStorePath(typed);
  if (path !== '' && (await fileAt(ports.tables, path)) !== undefined) return [path];
  const within = await filesWithin(ports.tables, path);
  const hint =
    within.length > 0 ? `: ${counted(within.length, 'file')} lie below it, -r removes them` : '';
  throw new UserError(`There is no file ${JSON.stringify(typed)}${hint}.`);
}
