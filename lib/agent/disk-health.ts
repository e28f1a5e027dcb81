import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { SyncFailed } from './journal.ts';
import type { Log } from './log.ts';
import { suspectPath } from './paths.ts';
import { Refusal } from './refusal.ts';

/** Codes that mean "no room"; the rest of what a write can answer means that the disk is broken. */
const full: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT'];
/** The process, not the disk, is out of something. */
export const exhausted: readonly (string | undefined)[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'];

/** Whether the disk may still be written. Suspect for good: a failed sync is never tried again and trusted. */
export class DiskHealth {
  readonly #directory: string;
  readonly #log: Log;
  #state: 'sound' | 'suspect';

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
    this.#state = existsSync(suspectPath(directory)) ? 'suspect' : 'sound';
  }

  get suspect(): boolean {
    return this.#state === 'suspect';
  }

  /** @throws Refusal 'disk' */
  mustBeSound(): void {
    if (this.suspect) throw new Refusal('disk', 'this disk has failed: it takes no more writes');
  }

  /** Runs what changes the disk. @throws Refusal 'full', 'busy' or 'disk' for what the disk answers */
  async writing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof Refusal ? error : this.#refusalOf(error as NodeJS.ErrnoException);
    }
  }

  /** As {@link writing}, for a sync: whatever it answers, nobody knows what the disk holds. */
  syncing(work: () => Promise<void>): Promise<void> {
    return this.writing(() =>
      work().catch((error: unknown) => {
        throw new SyncFailed(error);
      }),
    );
  }

  #refusalOf(error: NodeJS.ErrnoException): Refusal {
    if (full.includes(error.code)) return new Refusal('full', 'the disk is full', { cause: error });
    if (exhausted.includes(error.code)) return new Refusal('busy', error.message, { cause: error });
    this.#becomeSuspect(error);
    return new Refusal('disk', `the disk failed: ${error.message}`, { cause: error });
  }

  #becomeSuspect(error: Error): void {
    if (this.suspect) return;
    this.#state = 'suspect';
    this.#log('disk-suspect', { error: error.message });
    // The mark may fail with the disk: then only this process knows, and a restart finds out anew.
    writeFile(suspectPath(this.#directory), '').catch((failed: Error) =>
      this.#log('disk-suspect-unmarked', { error: failed.message }),
    );
  }
}
