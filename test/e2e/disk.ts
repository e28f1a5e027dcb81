import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ChunkId, chunkId } from '../../lib/core/ids.ts';
import type { LocalStore } from './local-store.ts';

/** By chunk: the file that holds its copy on a node's disk. A copy that is received is always a new file. */
export function copiesOn(store: LocalStore, instance: string): ReadonlyMap<ChunkId, number> {
  const disk = join(store.directory, '.ballast/nodes', instance);
  const files = readdirSync(disk, { recursive: true, encoding: 'utf8' });
  return new Map(
    files.flatMap((file): [ChunkId, number][] => {
      const chunk = /chunks\/[0-9a-f]\/([0-9a-f]{64})$/.exec(file)?.[1];
      return chunk === undefined ? [] : [[chunkId(chunk), statSync(join(disk, file)).ino]];
    }),
  );
}
