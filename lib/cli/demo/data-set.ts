import { join } from 'node:path';
import { findSource, type SourceFile } from '../../client/walk.ts';
import { UserError } from '../user-error.ts';

/** The files that the demo stores. */
export interface DataSet {
  readonly from: string;
  readonly files: readonly SourceFile[];
  readonly bytes: number;
}

/** The default: a part of the project's own dependencies, large enough to show something. */
const filesWanted = 2_050;
const bytesWanted = 102_000_000;
/** Below are most of the files and few of the bytes, above a single file is too much of the whole. */
const bulkBytesMin = 18 * 1024;
const bulkBytesMax = 1024 * 1024;
/** One file in so many is taken whatever its size, empty ones included. */
const anySizeEvery = 40;

/** Every file of `directory`, or the default part of the project's `node_modules`. @throws UserError */
export async function chooseDataSet(
  directory: string | undefined,
  project: string,
  home: string,
): Promise<DataSet> {
  const from = directory ?? join(project, 'node_modules');
  const source = await findSource(from, '', home);
  const files = directory === undefined ? partOf(source.files.filter(isSteady)) : source.files;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length === 0 || bytes === 0) {
    throw new UserError(`${from} holds no bytes to store: name a directory with files in it.`);
  }
  return { from, files, bytes };
}

/** Tools keep what they cache in hidden folders of node_modules, and write there at any time. */
const isSteady = ({ path }: SourceFile): boolean => !/(^|\/)\./.test(path);

/** The same files on every machine with the same dependencies: spread over all of them, in path order. */
function partOf(files: readonly SourceFile[]): readonly SourceFile[] {
  const few = files.filter((file, i) => i % anySizeEvery === 0 && file.size <= bulkBytesMax);
  const fewPaths = new Set(few.map(({ path }) => path));
  const bulk = files.filter(
    ({ path, size }) => size >= bulkBytesMin && size <= bulkBytesMax && !fewPaths.has(path),
  );
  const chosen = [...few];
  let bytes = few.reduce((sum, file) => sum + file.size, 0);
  for (const file of evenly(bulk)) {
    if (chosen.length >= filesWanted && bytes >= bytesWanted) break;
    chosen.push(file);
    bytes += file.size;
  }
  return chosen;
}

/** All of `items`, so that any beginning of them is spread over the whole: every 8th, then the next 8th … */
function* evenly<T>(items: readonly T[]): Generator<T> {
  const stride = 8;
  for (let first = 0; first < stride; first++) {
    for (let at = first; at < items.length; at += stride) yield items[at]!;
  }
}
