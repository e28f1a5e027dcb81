import {
  fleetPartition,
  guardCopies,
  guardKey,
  nodeKey,
  nodeOfInventory,
  nodeOfKey,
} from '../contract/keys.ts';
import type { ChunkRecord, FileChunk, NodeRecord } from '../contract/records.ts';
import { slotSha256 } from '../control/chunks.ts';
import type { Item } from '../control/ports.ts';
import { type ChunkId, chunkId, type NodeId, nodeId } from '../core/ids.ts';
import { sha256Of } from './disk.ts';
import type { DiskWatcher } from './disk-watcher.ts';
import { FileJudge, type Listing } from './file-judge.ts';
import type { SimNode } from './node.ts';
import type { Change, Store } from './store.ts';

export interface Violation {
  /** As safety.md §2.2 numbers them. */
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I9' | 'I10';
  readonly message: string;
}

export interface Judged {
  readonly store: Store;
  /** By id; machines that were terminated too. */
  readonly nodes: ReadonlyMap<NodeId, SimNode>;
  now(): number;
  violated(violation: Violation): void;
}

/** A client's view of a placement is never older. */
export const staleViewMs = 2_000;

/** Holders that a chunk had until a moment. */
interface OldView {
  readonly holders: readonly string[];
  readonly untilMs: number;
}

/** Sees everything, and checks the invariants of safety.md §2.2 after every change of a table or a disk. */
export class Judge implements DiskWatcher {
  readonly #world: Judged;
  readonly #oldViews = new Map<string, OldView[]>();
  /** `node chunk`: copies that the world destroyed, not the protocol. */
  readonly #excused = new Set<string>();
  readonly #placements = new Map<string, ChunkRecord>();
  /** `node chunk`: inventory lists that have it. */
  readonly #listed = new Map<string, number>();
  readonly #files: FileJudge;

  constructor(world: Judged) {
    this.#world = world;
    this.#files = new FileJudge(world);
  }

  /** Every chunk that is named there, or by the manifest that is. */
  chunksOf(file: Listing): readonly FileChunk[] {
    return this.#files.chunksOf(file);
  }

  tablesChanged(changes: readonly Change[]): void {
    for (const change of changes) {
      const { key, before, after } = change;
      if (key.table === 'files') this.#files.changed(change);
      else if (key.sk === 'C') this.#placementChanged(key.pk.slice(2), before, after);
      else if (nodeOfInventory(key.pk) !== undefined) this.#inventoryChanged(change);
      else if (key.pk === fleetPartition) this.#nodeChanged(nodeOfKey(key.sk), before, after);
    }
    for (const change of changes) {
      const { key } = change;
      if (key.table === 'files') this.#files.check(change);
      else if (key.sk === 'C') this.#checkPlacement(chunkId(key.pk.slice(2)));
      else if (nodeOfInventory(key.pk) !== undefined) {
        for (const chunk of chunksIn(change.before)) this.#checkPlacement(chunk);
      }
    }
  }

  stored(node: SimNode, chunk: ChunkId): void {
    this.#excused.delete(`${node.id} ${chunk}`);
    this.#checkPlacement(chunk);
  }

  unlinked(_node: SimNode, chunk: ChunkId): void {
    this.#checkPlacement(chunk);
    this.#checkOldViews(chunk);
  }

  damaged(node: SimNode, chunks: readonly ChunkId[]): void {
    for (const chunk of chunks) this.#excused.add(`${node.id} ${chunk}`);
  }

  powerCut(_node: SimNode, chunks: readonly ChunkId[]): void {
    for (const chunk of chunks) this.#checkPlacement(chunk);
  }

  /** Whether a copy was destroyed by the world. */
  isExcused(node: string, chunk: string): boolean {
    return this.#excused.has(`${node} ${chunk}`);
  }

  /** I6, before the machine goes. */
  terminating(node: NodeId): void {
    const record = this.#nodeRecord(node);
    if (record !== undefined && record.state !== 'terminating' && record.state !== 'gone') {
      this.#violated('I6', `${node} is terminated while ${record.state}`);
    }
    this.#mustBeEmpty(node, 'is terminated');
  }

  #mustBeEmpty(node: NodeId, what: string): void {
    for (const [chunk, placement] of this.placements()) {
      if (placement.state === 'live' && placement.holders.includes(node)) {
        this.#violated('I6', `${node} ${what} while the placement names it for ${chunk}`);
      }
    }
  }

  /** After the machine went with its disk. */
  terminated(): void {
    for (const [chunk] of this.placements()) {
      this.#checkPlacement(chunkId(chunk));
      this.#checkOldViews(chunkId(chunk));
    }
  }

  /** Every placement, by chunk. */
  placements(): ReadonlyMap<string, ChunkRecord> {
    return this.#placements;
  }

  #placementChanged(chunk: string, before: Item | undefined, after: Item | undefined): void {
    const old = before && recordOf<ChunkRecord>(before);
    const now = after && recordOf<ChunkRecord>(after);
    if (now === undefined) this.#placements.delete(chunk);
    else this.#placements.set(chunk, now);
    if (old !== undefined && now !== undefined && now.version !== old.version + 1) {
      this.#violated(
        'I4',
        `placement of ${chunk} went from version ${old.version} to ${now.version}`,
      );
    }
    if (old?.state === 'removed' && now?.state === 'live') {
      this.#violated('I4', `chunk ${chunk} came back after its removal`);
    }
    if (old?.state === 'live' && now?.state !== 'live' && this.#files.isNamed(chunk)) {
      this.#violated('I1', `chunk ${chunk} was removed while a file names it`);
    }
    if (old?.state === 'live') {
      const views = this.#oldViews.get(chunk) ?? [];
      views.push({ holders: old.holders, untilMs: this.#world.now() });
      this.#oldViews.set(chunk, views);
    }
    if (now?.state === 'live') this.#checkNewHolders(chunk, old, now);
  }

  /** I5: only a node that takes copies may be named as a new holder. */
  #checkNewHolders(chunk: string, old: ChunkRecord | undefined, now: ChunkRecord): void {
    if (new Set(now.holders).size < now.holders.length) {
      this.#violated('I1', `chunk ${chunk} has two slots on one node: ${now.holders}`);
    }
    for (const holder of now.holders) {
      if (old?.state === 'live' && old.holders.includes(holder)) continue;
      const state = this.#nodeRecord(nodeId(holder))?.state;
      if (state !== 'active')
        this.#violated('I5', `${holder} became holder of ${chunk} while ${state}`);
    }
  }

  /** I1 and I2: what the placement promises is on the disks. */
  #checkPlacement(chunk: ChunkId): void {
    const record = this.#placements.get(chunk);
    if (record?.state !== 'live') return;
    let sound = 0;
    for (const [slot, holder] of record.holders.entries()) {
      const fault = this.#faultOf(nodeId(holder), chunk, slotSha256(record, slot));
      if (fault === undefined) sound++;
      else if (
        this.#nodeRecord(nodeId(holder))?.state !== 'dead' &&
        !this.isExcused(holder, chunk)
      ) {
        this.#violated('I2', `${holder} is named for ${chunk} v${record.version}: ${fault}`);
      }
      if ((this.#listed.get(`${holder} ${chunk}`) ?? 0) === 0) {
        this.#violated('I2', `${holder} holds ${chunk} but its inventory lacks it`);
      }
    }
    if (sound < neededToRead(record)) {
      this.#violated('I1', `chunk ${chunk} has ${sound} good copies or shards left`);
    }
  }

  /** What a power cut now would leave of a copy, and whether it is right. */
  #faultOf(holder: NodeId, chunk: ChunkId, sha256: string): string | undefined {
    const node = this.#world.nodes.get(holder);
    if (node === undefined || node.state === 'destroyed') return 'its machine is gone';
    const copy = node.disk.durableShelf(chunk)?.copy;
    if (copy === undefined) return 'no durable copy';
    return sha256Of(copy.bytes) === sha256 ? undefined : 'wrong bytes';
  }

  /** I3: whoever read the placement a little while ago still finds a copy. */
  #checkOldViews(chunk: ChunkId): void {
    const record = this.#placements.get(chunk);
    const views = this.#oldViews.get(chunk);
    if (record?.state !== 'live' || views === undefined) return;
    for (const { holders, untilMs } of views) {
      if (this.#world.now() - untilMs > staleViewMs) continue;
      const readable = holders.filter(
        (holder, slot) =>
          this.isExcused(holder, chunk) ||
          this.#nodeRecord(nodeId(holder))?.state === 'dead' ||
          this.#faultOf(nodeId(holder), chunk, slotSha256(record, slot)) === undefined,
      );
      if (readable.length < neededToRead(record))
        this.#violated(
          'I3',
          `${chunk} is readable on ${readable} only of ${holders}, its holders a moment ago`,
        );
    }
  }

  #inventoryChanged({ key, before, after }: Change): void {
    const node = nodeOfInventory(key.pk);
    const count = (item: Item | undefined, by: number) => {
      for (const chunk of chunksIn(item)) {
        const copy = `${node} ${chunk}`;
        this.#listed.set(copy, (this.#listed.get(copy) ?? 0) + by);
      }
    };
    count(before, -1);
    count(after, 1);
  }

  #nodeChanged(node: NodeId, before: Item | undefined, after: Item | undefined): void {
    const now = after && recordOf<NodeRecord>(after);
    if (now === undefined || recordOf<NodeRecord>(before ?? after!).state === now.state) return;
    if (now.state === 'drained' || now.state === 'terminating') {
      this.#mustBeEmpty(node, `is ${now.state}`);
    }
    for (let copy = 0; copy < guardCopies; copy++) {
      const guard = this.#world.store.get(guardKey(node, copy));
      if (guard?.state !== now.state || guard?.epoch !== now.epoch) {
        this.#violated('I5', `${node} is ${now.state}, but guard ${copy} says ${guard?.state}`);
      }
    }
  }

  #nodeRecord(node: NodeId): NodeRecord | undefined {
    const item = this.#world.store.get(nodeKey(node));
    return item && recordOf<NodeRecord>(item);
  }

  #violated(invariant: Violation['invariant'], message: string): void {
    this.#world.violated({ invariant, message });
  }
}

const neededToRead = ({ redundancy }: ChunkRecord): number =>
  redundancy.kind === 'erasure' ? redundancy.data : 1;

/** The judge reads what it sees as it is: a wrong record is for lib/control to notice. */
export const recordOf = <T>(item: Item): T => item as unknown as T;

const chunksIn = (list: Item | undefined): readonly ChunkId[] =>
  list === undefined ? [] : (list.chunks as readonly string[]).map(chunkId);
