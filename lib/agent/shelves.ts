import type { Shelf as Judged } from '../core/fence.ts';
import { byCodeUnit } from '../core/ids.ts';

/** What a receipt promises of one copy. */
export interface Copy {
  readonly slot: number;
  readonly size: number;
  readonly sha256: string;
  readonly epoch: number;
}

interface PutRecord extends Copy {
  readonly kind: 'put';
  readonly chunk: string;
}
interface FenceRecord {
  readonly kind: 'delete' | 'fence';
  readonly chunk: string;
  /** The fence that stays. */
  readonly epoch: number;
}
/** What the journal says, in the order in which it became durable. */
export type JournalRecord = PutRecord | FenceRecord;

interface Shelf {
  fence: number;
  copy: Copy | undefined;
  /** Milliseconds on the process's own clock when the copy came or its fence rose; a restart begins anew. */
  since: number;
  /** In the journal, not yet under its name: a crash now leaves either it or `copy`. */
  arriving: Copy | undefined;
}

export interface HeldCopy extends Copy {
  readonly chunk: string;
  readonly since: number;
}

/** Buckets by the first two digits of an id: a page of inventory sorts a bucket or two, not everything. */
const buckets = 256;
const bucketOf = (chunk: string): number => Number.parseInt(chunk.slice(0, 2), 16);

/** Fences and copies of this disk, in memory: what a replay of the journal gives. */
export class Shelves {
  readonly #buckets: Map<string, Shelf>[] = Array.from({ length: buckets }, () => new Map());
  readonly #now: () => number;
  /** Bytes of all copies. */
  used = 0;
  /** Copies. */
  chunks = 0;
  /** Shelves, tombstones included: records of a journal without garbage. */
  size = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  copy(chunk: string): Copy | undefined {
    return this.#get(chunk)?.copy;
  }

  fence(chunk: string): number | undefined {
    return this.#get(chunk)?.fence;
  }

  /** As the pure rules of core/fence.ts judge it. */
  judged(chunk: string): Judged | undefined {
    const shelf = this.#get(chunk);
    if (shelf === undefined) return undefined;
    const { fence, copy } = shelf;
    return {
      fence,
      held: copy !== undefined,
      sha256: copy?.epoch === fence ? copy.sha256 : undefined,
    };
  }

  /** What has become durable in the journal. A put's copy is held only once it has {@link arrived}. */
  apply(record: JournalRecord): void {
    const shelf = this.#make(record.chunk);
    shelf.fence = Math.max(shelf.fence, record.epoch);
    if (record.kind === 'delete') {
      this.#hold(shelf, undefined);
      shelf.arriving = undefined;
    }
    if (record.kind !== 'put') return;
    const { slot, size, sha256, epoch } = record;
    shelf.arriving = { slot, size, sha256, epoch };
    shelf.since = this.#now();
  }

  /** The copy whose put was applied last is durable under its name. */
  arrived(chunk: string): void {
    const shelf = this.#make(chunk);
    this.#hold(shelf, shelf.arriving);
    shelf.arriving = undefined;
  }

  /** After a replay: which copy the file under the chunk's name is. */
  found(chunk: string, copy: Copy): void {
    const shelf = this.#make(chunk);
    shelf.arriving = undefined;
    this.#hold(shelf, copy);
  }

  /** Copies in the order of their ids, those after `after`. */
  held(after: string, limit: number): HeldCopy[] {
    const page: HeldCopy[] = [];
    for (let i = after === '' ? 0 : bucketOf(after); i < buckets && page.length < limit; i += 1) {
      const copies = [...this.#buckets[i]!]
        .flatMap(([chunk, { copy, since }]) =>
          copy !== undefined && chunk > after ? [{ chunk, since, ...copy }] : [],
        )
        .sort((left, right) => byCodeUnit(left.chunk, right.chunk));
      page.push(...copies.slice(0, limit - page.length));
    }
    return page;
  }

  /** The shortest journal that replays to these shelves. */
  *records(): Generator<JournalRecord> {
    for (const bucket of this.#buckets) {
      for (const [chunk, { fence, copy, arriving }] of bucket) {
        if (copy !== undefined) yield { kind: 'put', chunk, ...copy };
        if (arriving !== undefined) yield { kind: 'put', chunk, ...arriving };
        const told = Math.max(copy?.epoch ?? -1, arriving?.epoch ?? -1);
        if (fence > told) yield { kind: 'fence', chunk, epoch: fence };
      }
    }
  }

  #get(chunk: string): Shelf | undefined {
    return this.#buckets[bucketOf(chunk)]?.get(chunk);
  }

  #make(chunk: string): Shelf {
    const known = this.#get(chunk);
    if (known !== undefined) return known;
    const shelf = { fence: 0, copy: undefined, arriving: undefined, since: this.#now() };
    this.#buckets[bucketOf(chunk)]!.set(chunk, shelf);
    this.size += 1;
    return shelf;
  }

  #hold(shelf: Shelf, copy: Copy | undefined): void {
    this.used += (copy?.size ?? 0) - (shelf.copy?.size ?? 0);
    this.chunks += Number(copy !== undefined) - Number(shelf.copy !== undefined);
    shelf.copy = copy;
  }
}
