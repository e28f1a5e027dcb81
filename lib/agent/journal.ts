import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { headerLine, type Replayed, recordsLine, replay } from './journal-lines.ts';
import { compactRecordsMin, recordsPerSyncMax } from './limits.ts';
import { syncDirectory } from './paths.ts';
import type { JournalRecord, Shelves } from './shelves.ts';

interface Waiting {
  readonly record: JournalRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The append-only journal of a disk: what was put and deleted, and every fence. Records that wait when a
 * sync begins share it. A record is applied to the shelves when it is durable, and then its caller goes on.
 */
export class Journal {
  readonly #directory: string;
  readonly #shelves: Shelves;
  #file: FileHandle;
  #bytes: number;
  #records: number;
  #waiting: Waiting[] = [];
  #state: 'idle' | 'writing' = 'idle';
  #fault: SyncFailed | undefined;
  #compactAbove = compactRecordsMin;

  private constructor(directory: string, shelves: Shelves, file: FileHandle, replayed: Replayed) {
    this.#directory = directory;
    this.#shelves = shelves;
    this.#file = file;
    this.#bytes = replayed.bytes;
    this.#records = replayed.records;
  }

  /** An empty journal, durable. */
  static async create(directory: string): Promise<void> {
    await writeNew(directory, []);
    await publishNew(directory);
  }

  /**
   * Opens a journal that has been replayed to `shelves`; writes it anew where most of it is overtaken.
   * A torn end is cut off.
   */
  static async open(directory: string, shelves: Shelves, replayed: Replayed): Promise<Journal> {
    const file = await open(pathOf(directory), 'r+');
    if (replayed.torn > 0) {
      await file.truncate(replayed.bytes);
      await file.sync();
    }
    const journal = new Journal(directory, shelves, file, replayed);
    if (journal.#isMostlyGarbage()) await journal.#compact();
    return journal;
  }

  static replay(directory: string, apply: (record: JournalRecord) => void): Promise<Replayed> {
    return replay(pathOf(directory), apply);
  }

  /**
   * Resolves once the record is durable and applied.
   * @throws SyncFailed, after which the journal takes no more records; what the disk says of a full one
   */
  append(record: JournalRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      if (this.#state === 'idle') void this.#drain();
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #drain(): Promise<void> {
    this.#state = 'writing';
    while (this.#waiting.length > 0) {
      await this.#commit(this.#waiting.splice(0, recordsPerSyncMax));
      if (this.#fault === undefined && this.#isMostlyGarbage()) await this.#compact();
    }
    this.#state = 'idle';
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      if (this.#fault !== undefined) throw this.#fault;
      await this.#write(group.map(({ record }) => record));
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { record, resolve } of group) {
      this.#shelves.apply(record);
      resolve();
    }
  }

  async #write(records: readonly JournalRecord[]): Promise<void> {
    const line = recordsLine(records);
    try {
      await writeWhole(this.#file, line, this.#bytes);
    } catch (error) {
      // A line that did not fit is cut off again.
      await this.#mustSucceed(this.#file.truncate(this.#bytes));
      throw error;
    }
    await this.#mustSucceed(this.#file.datasync());
    this.#bytes += line.length;
    this.#records += records.length;
  }

  /** After a failed sync nobody knows what the disk holds: the journal stays closed. */
  async #mustSucceed(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#fault = new SyncFailed(error);
      throw this.#fault;
    }
  }

  #isMostlyGarbage(): boolean {
    return this.#records > this.#compactAbove && this.#records > 2 * this.#shelves.size;
  }

  /**
   * Nothing is applied to the shelves meanwhile, so that what is written is one moment's state. Without
   * room for the new journal the old one goes on.
   */
  async #compact(): Promise<void> {
    let written: Written;
    try {
      written = await writeNew(this.#directory, this.#shelves.records());
    } catch {
      this.#compactAbove = 2 * this.#records;
      return;
    }
    try {
      await this.#mustSucceed(this.#takeOver(written));
    } catch {
      // Told to the next who appends.
    }
  }

  async #takeOver(written: Written): Promise<void> {
    await publishNew(this.#directory);
    await this.#file.close();
    this.#file = await open(pathOf(this.#directory), 'r+');
    this.#bytes = written.bytes;
    this.#records = written.records;
  }
}

/** The sync failed: the kernel may have dropped what was to be written, and will not say so twice. */
export class SyncFailed extends Error {
  override readonly name = 'SyncFailed';
  constructor(cause: unknown) {
    super(`the disk failed to sync: ${(cause as Error).message}`, { cause });
  }
}

async function writeWhole(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  const { bytesWritten } = await file.write(bytes, 0, bytes.length, at);
  if (bytesWritten === bytes.length) return;
  const error = new Error(`the disk took ${bytesWritten} of ${bytes.length} bytes of the journal`);
  throw Object.assign(error, { code: 'ENOSPC' });
}

const pathOf = (directory: string): string => `${directory}/journal`;
export const journalIsThere = (directory: string): boolean => existsSync(pathOf(directory));
const newPathOf = (directory: string): string => `${directory}/journal.new`;

interface Written {
  readonly bytes: number;
  readonly records: number;
}

/** Writes and syncs a whole journal beside the one in use. */
async function writeNew(directory: string, records: Iterable<JournalRecord>): Promise<Written> {
  await rm(newPathOf(directory), { force: true });
  const file = await open(newPathOf(directory), 'wx', 0o640);
  let bytes = 0;
  let count = 0;
  const write = async (line: Buffer) => {
    await writeWhole(file, line, bytes);
    bytes += line.length;
  };
  try {
    await write(headerLine());
    for (const group of groupsOf(records, recordsPerSyncMax)) {
      await write(recordsLine(group));
      count += group.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, records: count };
}

/** At every moment one whole journal is there. */
async function publishNew(directory: string): Promise<void> {
  await rename(newPathOf(directory), pathOf(directory));
  await syncDirectory(directory);
}

function* groupsOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
