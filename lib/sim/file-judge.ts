import { chunkKey } from '../contract/keys.ts';
import { parseManifest } from '../contract/manifest.ts';
import type { FileChunk, FileRecord } from '../contract/records.ts';
import { chunkId } from '../core/ids.ts';
import { sha256Of } from './disk.ts';
import { type Judged, recordOf } from './judge.ts';
import type { Change } from './store.ts';

/** What a file's record says of its chunks. */
export type Listing = Pick<FileRecord, 'chunks' | 'manifest'>;

/** The files' part of the invariants: versions rise one by one, and a file names live chunks only. */
export class FileJudge {
  readonly #world: Judged;
  /** By chunk: how many files name it. */
  readonly #names = new Map<string, number>();
  /** By manifest chunk: what it names. */
  readonly #manifests = new Map<string, readonly FileChunk[]>();

  constructor(world: Judged) {
    this.#world = world;
  }

  isNamed(chunk: string): boolean {
    return (this.#names.get(chunk) ?? 0) > 0;
  }

  changed({ key, before, after }: Change): void {
    const old = before && recordOf<FileRecord>(before);
    const now = after && recordOf<FileRecord>(after);
    for (const { id } of old === undefined ? [] : this.chunksOf(old))
      this.#names.set(id, (this.#names.get(id) ?? 0) - 1);
    for (const { id } of now === undefined ? [] : this.chunksOf(now))
      this.#names.set(id, (this.#names.get(id) ?? 0) + 1);
    if (old !== undefined && now !== undefined && now.version !== old.version + 1) {
      const message = `file ${key.sk} went from version ${old.version} to ${now.version}`;
      this.#world.violated({ invariant: 'I4', message });
    }
  }

  /** All that the file needs: its chunks, its manifest, and what that names, as any disk has it. */
  chunksOf({ chunks, manifest }: Listing): readonly FileChunk[] {
    return [...chunks, ...manifest, ...manifest.flatMap(({ id }) => this.#listedBy(id))];
  }

  /** A chunk's bytes never change: once read, they are known. */
  #listedBy(manifest: string): readonly FileChunk[] {
    const known = this.#manifests.get(manifest);
    if (known !== undefined) return known;
    const sha256 = this.#world.store.get(chunkKey(chunkId(manifest)))?.sha256;
    for (const { disk } of this.#world.nodes.values()) {
      const bytes = disk.shelf(chunkId(manifest))?.copy?.bytes;
      if (bytes === undefined || sha256Of(bytes) !== sha256) continue;
      const listed = parseManifest(bytes);
      this.#manifests.set(manifest, listed);
      return listed;
    }
    return [];
  }

  /** After the whole write: its chunks may have been in it. */
  check({ key, after }: Change): void {
    for (const { id } of after === undefined ? [] : this.chunksOf(recordOf<FileRecord>(after))) {
      const state = this.#world.store.get(chunkKey(chunkId(id)))?.state;
      if (state === 'live') continue;
      this.#world.violated({
        invariant: 'I1',
        message: `${key.sk} names chunk ${id}, which is ${state}`,
      });
    }
  }
}
