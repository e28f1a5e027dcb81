import { fileKey, filePartition, fileShards } from '../contract/keys.ts';
import { FileRecord } from '../contract/records.ts';
import { pagesOf } from './pages.ts';
import type { Tables } from './ports.ts';

export interface StoredFile {
  readonly path: string;
  readonly record: FileRecord;
}

export async function findFile(tables: Tables, path: string): Promise<FileRecord | undefined> {
  const [item] = await tables.get([fileKey(path)]);
  return item === undefined ? undefined : FileRecord.parse(item);
}

/** Files whose path begins with `prefix`, by shard: in no order that a user would want. */
export async function* listFiles(tables: Tables, prefix: string): AsyncGenerator<StoredFile> {
  for (let shard = 0; shard < fileShards; shard++) {
    for await (const page of pagesOf(tables, 'files', filePartition(shard), prefix)) {
      for (const item of page) yield { path: item.sk, record: FileRecord.parse(item) };
    }
  }
}
