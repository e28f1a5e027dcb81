import { chunkKey } from '../contract/keys.ts';
import type { FileRecord } from '../contract/records.ts';
import { chunkId } from '../core/ids.ts';
import { type Judged, recordOf } from './judge.ts';
import type { Change } from './store.ts';

/** The files' part of the invariants: versions rise one by one, and a file names live chunks only. */
export class FileJudge {
  readonly #world: Judged;
  /** By chunk: how many files name it. */
  readonly #names = new Map<string, number>();

  constructor(world: Judged) {
    this.#world = world;
  }

  isNamed(chunk: string): boolean {
    return (this.#names.get(chunk) ?? 0) > 0;
  }

  changed({ key, before, after }: Change): void {
    const old = before && recordOf<FileRecord>(before);
    const now = after && recordOf<FileRecord>(after);
    for (const { id } of old?.chunks ?? []) this.#names.set(id, (this.#names.get(id) ?? 0) - 1);
    for (const { id } of now?.chunks ?? []) this.#names.set(id, (this.#names.get(id) ?? 0) + 1);
    if (old !== undefined && now !== undefined && now.version !== old.version + 1) {
      const message = `file ${key.sk} went from version ${old.version} to ${now.version}`;
      this.#world.violated({ invariant: 'I4', message });
    }
  }

  /** After the whole write: its chunks may have been in it. */
  check({ key, after }: Change): void {
    for (const { id } of after === undefined ? [] : recordOf<FileRecord>(after).chunks) {
      const state = this.#world.store.get(chunkKey(chunkId(id)))?.state;
      if (state === 'live') continue;
      this.#world.violated({
        invariant: 'I1',
        message: `${key.sk} names chunk ${id}, which is ${state}`,
      });
    }
  }
}
