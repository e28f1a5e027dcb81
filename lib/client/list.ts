import { findFile, listFiles, type StoredFile } from '../control/files.ts';
import type { Tables } from '../control/ports.ts';
import { byCodeUnit } from '../core/ids.ts';
import { isWithin } from './store-path.ts';

/** The file `path`, or every file below it, in the order of their paths. */
export async function filesWithin(tables: Tables, path: string): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const file of listFiles(tables, path)) if (isWithin(file.path, path)) files.push(file);
  return files.sort((left, right) => byCodeUnit(left.path, right.path));
}

/** The file of exactly this path, if there is one. */
export async function fileAt(tables: Tables, path: string): Promise<StoredFile | undefined> {
  const record = await findFile(tables, path);
  return record && { path, record };
}
