import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Receipt, Removal } from '../contract/agent.ts';
import { judgeDelete, judgePut, judgeRenewal } from '../core/fence.ts';
import { type Damage, damageIn } from './damage.ts';
import { DiskHealth } from './disk-health.ts';
import { type Arrival, Incoming, refuseOther } from './incoming.ts';
import type { Journal } from './journal.ts';
import type { Log } from './log.ts';
import { chunkPath, folderOf, folders, syncDirectory } from './paths.ts';
import { checksumOnDisk, type Paced } from './read-back.ts';
import { recover } from './recover.ts';
import { Refusal } from './refusal.ts';
import { SharedSync } from './shared-sync.ts';
import type { Copy, HeldCopy, Shelves } from './shelves.ts';
import { TurnsByKey } from './turns.ts';

export interface StoreSettings {
  readonly directory: string;
  readonly capacityBytes: number;
  /** Milliseconds that never run backwards. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Chunks on one disk. A receipt means that the bytes, their name and the fence survive a power cut; a
 * crash at any moment leaves a whole copy or none (safety.md a3).
 */
export class Store {
  readonly incarnation: string;
  readonly capacityBytes: number;
  readonly health: DiskHealth;
  readonly #directory: string;
  readonly #shelves: Shelves;
  readonly #journal: Journal;
  readonly #turns = new TurnsByKey();
  readonly #folders: ReadonlyMap<string, SharedSync>;
  /** Bytes that arriving copies may still need. */
  #reserved = 0;

  private constructor(
    { directory, capacityBytes, log }: StoreSettings,
    { incarnation, shelves, journal }: Awaited<ReturnType<typeof recover>>,
  ) {
    this.incarnation = incarnation;
    this.capacityBytes = capacityBytes;
    this.health = new DiskHealth(directory, log);
    this.#directory = directory;
    this.#shelves = shelves;
    this.#journal = journal;
    const syncs = folders.map((name) => {
      const folder = folderOf(directory, name);
      return [folder, new SharedSync(() => syncDirectory(folder))] as const;
    });
    this.#folders = new Map(syncs);
  }

  /** @throws UnusableDirectory, JournalDamaged */
  static async open(settings: StoreSettings): Promise<Store> {
    const recovered = await recover(settings.directory, settings.now, settings.log);
    return new Store(settings, recovered);
  }

  get usedBytes(): number {
    return this.#shelves.used;
  }

  get chunks(): number {
    return this.#shelves.chunks;
  }

  holds(chunk: string): boolean {
    return this.#shelves.copy(chunk) !== undefined;
  }

  /** What is held of `chunk`. @throws Refusal 'not-held' */
  copy(chunk: string): Copy {
    const copy = this.#shelves.copy(chunk);
    if (copy === undefined) throw new Refusal('not-held', `${chunk} is not held here`);
    return copy;
  }

  held(after: string, limit: number): HeldCopy[] {
    return this.#shelves.held(after, limit);
  }

  /** The file of a held chunk, open for reading. @throws Refusal 'not-held' */
  async openCopy(chunk: string): Promise<FileHandle> {
    try {
      return await open(
        chunkPath(this.#directory, chunk),
        constants.O_RDONLY | constants.O_NOFOLLOW,
      );
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EMFILE' || code === 'ENFILE') throw new Refusal('busy', message);
      throw new Refusal('not-held', `${chunk} is not readable here: ${message}`, { cause: error });
    }
  }

  /**
   * Takes room for a copy that begins to arrive. Its bytes go into it, then it is committed or abandoned.
   * @throws Refusal 'disk', 'below-fence', 'full'
   */
  receive(arrival: Arrival): Incoming {
    this.health.mustBeSound();
    this.#refuseBelowFence(arrival);
    const free = this.capacityBytes - this.#shelves.used - this.#reserved;
    if (arrival.size > free)
      throw new Refusal(
        'full',
        `${arrival.size} bytes are asked for, ${Math.max(0, free)} are free`,
      );
    this.#reserved += arrival.size;
    return new Incoming({
      directory: this.#directory,
      arrival,
      health: this.health,
      publish: (temporary) => this.#publish(arrival, temporary),
      free: () => {
        this.#reserved -= arrival.size;
      },
    });
  }

  /** Durable when it answers. @throws Refusal 'disk' */
  remove(chunk: string, version: number): Promise<Removal['outcome']> {
    return this.#turns.run(chunk, async () => {
      const verdict = judgeDelete(this.#shelves.judged(chunk), version);
      if (verdict !== 'unlink') return verdict;
      this.health.mustBeSound();
      const fence = this.#shelves.fence(chunk)!;
      await this.health.writing(async () => {
        await this.#journal.append({ kind: 'delete', chunk, epoch: fence });
        await rm(chunkPath(this.#directory, chunk), { force: true });
      });
      await this.#syncFolderOf(chunk);
      return verdict;
    });
  }

  /**
   * As a PUT of the bytes that are held: they are read back from the disk, and the fence rises to `epoch`.
   * No delete comes in between. @throws Refusal 'not-held', 'below-fence', 'checksum', 'disk'
   */
  renew({ chunk, slot, sha256, epoch }: Omit<Arrival, 'size'>): Promise<Receipt> {
    return this.#turns.run(chunk, async () => {
      this.health.mustBeSound();
      const { size } = this.copy(chunk);
      if (judgeRenewal(this.#shelves.judged(chunk), epoch) !== 'renew')
        throw this.#belowFence(chunk, epoch);
      refuseOther(await this.#checksumOf(chunk), sha256);
      await this.health.writing(() =>
        this.#journal.append({ kind: 'put', chunk, slot, size, sha256, epoch }),
      );
      this.#shelves.arrived(chunk);
      return { chunk, slot, size, sha256, epoch, incarnation: this.incarnation };
    });
  }

  /**
   * What is wrong with what is held of `chunk`, if anything is: its file is read as `paced` lets it, and once
   * more, at once, while nobody puts or deletes it. So a copy that changes meanwhile is no damage.
   * @throws what `paced` throws, and what says that the process is out of something
   */
  async damageOf(chunk: string, paced: Paced): Promise<Damage | undefined> {
    const copy = this.#shelves.copy(chunk);
    const path = chunkPath(this.#directory, chunk);
    if (copy === undefined || (await damageIn(path, copy, paced)) === undefined) return undefined;
    return this.#turns.run(chunk, async () => {
      const held = this.#shelves.copy(chunk);
      const reason = held && (await damageIn(path, held));
      return held && reason && { copy: held, reason };
    });
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  /** The file is synced; the journal raises the fence, the name follows, and all of it is durable. */
  #publish(arrival: Arrival, temporary: string): Promise<Receipt> {
    const { chunk, slot, size, sha256, epoch } = arrival;
    return this.#turns.run(chunk, async () => {
      this.health.mustBeSound();
      this.#refuseBelowFence(arrival);
      await this.health.writing(async () => {
        await this.#journal.append({ kind: 'put', chunk, slot, size, sha256, epoch });
        await rename(temporary, chunkPath(this.#directory, chunk));
      });
      await this.#syncFolderOf(chunk);
      this.#shelves.arrived(chunk);
      return { chunk, slot, size, sha256, epoch, incarnation: this.incarnation };
    });
  }

  #syncFolderOf(chunk: string): Promise<void> {
    const folder = this.#folders.get(folderOf(this.#directory, chunk))!;
    return this.health.syncing(() => folder.wait());
  }

  #refuseBelowFence({ chunk, epoch, sha256 }: Arrival): void {
    if (judgePut(this.#shelves.judged(chunk), epoch, sha256) === 'store') return;
    throw this.#belowFence(chunk, epoch);
  }

  /** @throws Refusal 'not-held' when the file cannot be read */
  async #checksumOf(chunk: string): Promise<string> {
    try {
      return await checksumOnDisk(chunkPath(this.#directory, chunk));
    } catch (error) {
      const { message } = error as Error;
      throw new Refusal('not-held', `${chunk} is not readable here: ${message}`, { cause: error });
    }
  }

  #belowFence(chunk: string, epoch: number): Refusal {
    const fence = this.#shelves.fence(chunk);
    return new Refusal(
      'below-fence',
      `epoch ${epoch} of ${chunk} is below its fence ${fence}, or another shard came with it`,
    );
  }
}
