import type {
  ChunkHeat,
  Held,
  PullEvent,
  Receipt,
  Removal,
  Renewal,
  Stats,
} from '../contract/agent.ts';
import {
  NodeRefused,
  NodeUnreachable,
  type PullChunk,
  type PutChunk,
  type RenewChunk,
} from '../control/ports.ts';
import { Heat, heatChunksMax } from '../core/heat.ts';
import type { ChunkId, NodeId, Zone } from '../core/ids.ts';
import { Disk, type DiskRules, flipped } from './disk.ts';
import type { DiskWatcher } from './disk-watcher.ts';
import { statsOf } from './node-stats.ts';
import type { Ground } from './process.ts';
import { eventOf, failed, type PullFailure } from './pull-outcome.ts';
import { Shelving } from './shelving.ts';
import { waysTo } from './ways.ts';

export interface NodeBirth {
  readonly id: NodeId;
  readonly zone: Zone;
  readonly instance: string;
  readonly address: string;
  readonly capacity: number;
}

/** Disk time of a write with its syncs, and of a copy over the network; slow ones overtake nobody. */
const diskMs = [1, 20] as const;
const copyMs = [1, 400] as const;

export type Source = (node: NodeId) => SimNode | undefined;

/** One node agent: what it does with requests, and what its machine does to it. */
export class SimNode {
  readonly birth: NodeBirth;
  readonly id: NodeId;
  readonly #ground: Ground;
  readonly #rules: DiskRules;
  readonly #watcher: DiskWatcher;
  disk: Disk;
  incarnation: string;
  state: 'up' | 'down' | 'destroyed' = 'up';
  connections = 0;
  readonly #shelving: Shelving;
  #heat = new Heat();
  /** Rises with each start of the process: what was under way before is gone. */
  #boot = 0;
  #disks = 1;
  /** Bytes of temporary files. */
  #arriving = 0;

  constructor(ground: Ground, birth: NodeBirth, rules: DiskRules, watcher: DiskWatcher) {
    this.#ground = ground;
    this.birth = birth;
    this.id = birth.id;
    this.#rules = rules;
    this.#watcher = watcher;
    this.#shelving = new Shelving(this, ground, rules, watcher);
    this.disk = new Disk(birth.capacity);
    this.incarnation = `${birth.instance}.1`;
  }

  /** @throws NodeUnreachable */
  mustBeUp(): void {
    if (this.state !== 'up') throw new NodeUnreachable(`${this.id} does not answer`);
  }

  put(chunk: PutChunk, answer: (result: () => Receipt) => void): void {
    if (!this.#rules.matches(chunk.bytes, chunk.sha256)) {
      throw new NodeRefused('checksum', 'the bytes do not match their checksum');
    }
    this.#write(chunk, chunk.bytes, answer);
  }

  read(chunk: ChunkId): Uint8Array {
    const copy = this.disk.shelf(chunk)?.copy;
    if (copy === undefined) throw new NodeRefused('not-held', `${this.id} does not hold ${chunk}`);
    this.#heat.read(chunk, this.#ground.scheduler.now);
    return copy.bytes;
  }

  remove(removals: readonly { readonly chunk: ChunkId; readonly version: number }[]): Removal[] {
    return removals.map(({ chunk, version }) => ({
      chunk,
      outcome: this.#shelving.unlink(chunk, version),
    }));
  }

  /** Reads back, then raises the fences, one after the other; a crash in between leaves some raised. */
  renew(wanted: readonly RenewChunk[], answer: (result: () => Renewal[]) => void): void {
    const boot = this.#boot;
    this.#later(diskMs, () => {
      if (this.#boot === boot) answer(() => wanted.map((each) => this.#shelving.renew(each)));
    });
  }

  held(after: string, limit: number): { held: Held[]; next?: string } {
    const chunks = this.disk.held().filter((chunk) => chunk > after);
    const held = chunks.slice(0, limit).map((chunk) => this.#shelving.heldOf(chunk));
    return chunks.length > limit ? { held, next: chunks[limit - 1]! } : { held };
  }

  heat(limit: number): ChunkHeat[] {
    const isHeld = (chunk: string) => this.disk.shelf(chunk as ChunkId)?.copy !== undefined;
    const most = Math.min(limit, heatChunksMax);
    return this.#heat.hottest(most, this.#ground.scheduler.now, isHeld);
  }

  closeConnections(): number {
    const closed = this.connections;
    this.connections = 0;
    return closed;
  }

  stats(): Stats {
    return statsOf(this);
  }

  /** Copies or rebuilds one slot; tells how it went unless the node dies. */
  pull(wanted: PullChunk, sources: Source, told: (event: PullEvent | 'died') => void): void {
    const boot = this.#boot;
    const { random, faults } = this.#ground;
    const read = (node: NodeId, chunk: ChunkId): Uint8Array | PullFailure => {
      const source = sources(node);
      if (source?.state !== 'up') return 'source-unreachable';
      const bytes = source.disk.shelf(chunk)?.copy?.bytes;
      if (bytes === undefined) return 'source-lacks-it';
      return random.chance(faults.bitsFlipped) ? flipped(bytes) : bytes;
    };
    const ways = waysTo(wanted, { read, matches: this.#rules.matches });
    let reason: PullFailure = 'source-unreachable';
    const next = (): void => {
      if (this.#boot !== boot || this.state !== 'up') {
        told('died');
        return;
      }
      const came = ways.shift()?.();
      if (came === undefined) told(failed(wanted, reason));
      else if (typeof came === 'string') {
        reason = came;
        if (came === 'checksum') this.#later(copyMs, next);
        else next();
      } else {
        const received = (result: () => Receipt) => told(eventOf(wanted, result));
        this.#write(wanted, came, received, () => told('died'));
      }
    };
    this.#later(copyMs, next);
  }

  /** kill -9: the page cache survives. */
  restart(downMs: number): void {
    if (this.state === 'destroyed') return;
    this.#boot++;
    this.#arriving = 0;
    this.#heat = new Heat();
    this.state = 'down';
    this.#ground.scheduler.after(downMs, () => {
      if (this.state === 'down') this.state = 'up';
    });
  }

  cutPower(downMs: number): void {
    const chunks = this.disk.held();
    this.disk.cutPower();
    this.restart(downMs);
    this.#watcher.powerCut(this, chunks);
  }

  /** The machine comes back with an empty disk, which is another incarnation. */
  loseDisk(downMs: number): void {
    const chunks = this.disk.held();
    this.disk = new Disk(this.birth.capacity);
    this.incarnation = `${this.birth.instance}.${++this.#disks}`;
    this.restart(downMs);
    this.#watcher.damaged(this, chunks);
  }

  rot(chunk: ChunkId): void {
    this.disk.rot(chunk);
    this.#watcher.damaged(this, [chunk]);
  }

  destroy(): void {
    this.#boot++;
    this.state = 'destroyed';
    this.disk = new Disk(0);
  }

  /** Temporary file, sync, fence, rename, sync; then the receipt. A crash before leaves no half chunk. */
  #write(
    chunk: Pick<PutChunk, 'chunk' | 'slot' | 'epoch' | 'sha256'>,
    bytes: Uint8Array,
    answer: (result: () => Receipt) => void,
    died: () => void = () => {},
  ): void {
    if (this.disk.used + this.#arriving + bytes.length > this.disk.capacity) {
      answer(() => {
        throw new NodeRefused('full', `${this.id} has no room for ${bytes.length} bytes`);
      });
      return;
    }
    const boot = this.#boot;
    this.#arriving += bytes.length;
    this.#later(diskMs, () => {
      if (this.#boot !== boot) {
        this.#shelving.fenceOnly(chunk.chunk, chunk.epoch);
        return died();
      }
      this.#arriving -= bytes.length;
      answer(() => this.#shelving.publish(chunk, bytes));
    });
  }

  #later([from, to]: readonly [number, number], run: () => void): void {
    this.#ground.scheduler.after(this.#ground.random.between(from, to), run);
  }
}
