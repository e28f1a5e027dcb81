import type { Held, Receipt, Removal, Renewal } from '../contract/agent.ts';
import { orphanAgeMs } from '../control/limits.ts';
import { NodeRefused, type PutChunk, type RenewChunk } from '../control/ports.ts';
import type { Shelf as Judged } from '../core/fence.ts';
import type { ChunkId } from '../core/ids.ts';
import type { Disk, DiskRules } from './disk.ts';
import type { DiskWatcher } from './disk-watcher.ts';
import type { SimNode } from './node.ts';
import type { Ground } from './process.ts';

/** The simulated lengths of time are short: after 20 seconds a copy may be an orphan. */
const ageScale = orphanAgeMs / 20_000;

/** What an agent does on its disk, by its rules; whoever watches sees it. */
export class Shelving {
  readonly #node: SimNode;
  readonly #ground: Ground;
  readonly #rules: DiskRules;
  readonly #watcher: DiskWatcher;

  constructor(node: SimNode, ground: Ground, rules: DiskRules, watcher: DiskWatcher) {
    this.#node = node;
    this.#ground = ground;
    this.#rules = rules;
    this.#watcher = watcher;
  }

  /** @throws NodeRefused 'below-fence' */
  publish(
    { chunk, slot, epoch, sha256 }: Pick<PutChunk, 'chunk' | 'slot' | 'epoch' | 'sha256'>,
    bytes: Uint8Array,
  ): Receipt {
    const old = this.#node.disk.shelf(chunk);
    if (this.#rules.judgePut(judged(old), epoch, sha256) === 'below-fence') {
      throw new NodeRefused('below-fence', `${epoch} is below the fence ${old?.fence}`);
    }
    const raised = this.#rules.raiseFence(old?.fence ?? 0, epoch);
    const writtenAt = this.#ground.scheduler.now;
    this.#node.disk.set(chunk, { fence: raised, copy: { bytes, sha256, slot, epoch, writtenAt } });
    const sync = () => this.#node.disk.sync(chunk);
    if (this.#rules.syncDelayMs === 0) sync();
    else this.#ground.scheduler.after(this.#rules.syncDelayMs, sync);
    this.#note('stored', chunk, epoch);
    this.#watcher.stored(this.#node, chunk);
    return { chunk, slot, size: bytes.length, sha256, epoch, incarnation: this.#node.incarnation };
  }

  /** The process died between syncing the fence and the rename, or before both. */
  fenceOnly(chunk: ChunkId, epoch: number): void {
    if (this.#node.state === 'destroyed' || this.#ground.random.chance(0.5)) return;
    const old = this.#node.disk.shelf(chunk);
    const raised = this.#rules.raiseFence(old?.fence ?? 0, epoch);
    this.#node.disk.set(chunk, { fence: raised, copy: old?.copy });
    this.#node.disk.sync(chunk);
  }

  unlink(chunk: ChunkId, version: number): Removal['outcome'] {
    const old = this.#node.disk.shelf(chunk);
    const verdict = this.#rules.judgeDelete(judged(old), version);
    this.#note(verdict, chunk, version);
    if (verdict !== 'unlink') return verdict;
    this.#node.disk.set(chunk, { fence: old?.fence ?? 0, copy: undefined });
    this.#node.disk.sync(chunk);
    this.#watcher.unlinked(this.#node, chunk);
    return verdict;
  }

  renew({ chunk, slot, sha256, epoch }: RenewChunk): Renewal {
    const old = this.#node.disk.shelf(chunk);
    const verdict = this.#rules.judgeRenewal(judged(old), epoch);
    this.#note(verdict, chunk, epoch);
    if (verdict === 'below-fence') return { outcome: 'refused', chunk, reason: verdict };
    if (old?.copy === undefined) return { outcome: 'refused', chunk, reason: 'not-held' };
    const { bytes } = old.copy;
    if (!this.#rules.matches(bytes, sha256))
      return { outcome: 'refused', chunk, reason: 'checksum' };
    const writtenAt = this.#ground.scheduler.now;
    const copy = { bytes, sha256, slot, epoch, writtenAt };
    this.#node.disk.set(chunk, { fence: this.#rules.raiseFence(old.fence, epoch), copy });
    this.#node.disk.sync(chunk);
    const { incarnation } = this.#node;
    const receipt = { chunk, slot, size: bytes.length, sha256, epoch, incarnation };
    return { outcome: 'renewed', receipt };
  }

  heldOf(chunk: ChunkId): Held {
    const { slot, epoch, bytes, sha256, writtenAt } = this.#node.disk.shelf(chunk)!.copy!;
    const ageMs = Math.floor((this.#ground.scheduler.now - writtenAt) * ageScale);
    return { chunk, slot, size: bytes.length, epoch, sha256, ageMs };
  }

  #note(what: string, chunk: ChunkId, epoch: number): void {
    this.#ground.history.note(this.#ground.scheduler.now, this.#node.id, what, `${chunk} ${epoch}`);
  }
}

function judged(shelf: ReturnType<Disk['shelf']>): Judged | undefined {
  if (shelf === undefined) return undefined;
  const { fence, copy } = shelf;
  const sha256 = copy?.epoch === fence ? copy.sha256 : undefined;
  return { fence, held: copy !== undefined, sha256 };
}
