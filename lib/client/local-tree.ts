import { chmod, lstat, mkdir, open, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { ClientRefusal, inWords } from './refusal.ts';
import { show, whyNoPath } from './store-path.ts';

/**
 * A directory that files are written into, never outside: names that climb are refused, and so are symbolic
 * links on the way, which could lead anywhere.
 */
export class LocalTree {
  readonly #root: string;
  /** Directories that were found or made; they are synced at the end. */
  readonly #directories = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  /** Where `path` (relative, with `/`) lies. @throws ClientRefusal */
  placeOf(path: string): string {
    const reason = whyNoPath(path);
    if (reason !== undefined) throw new ClientRefusal(`The stored path ${show(path)} ${reason}.`);
    return join(this.#root, ...path.split('/'));
  }

  /** Calls `fill` on a temporary file, makes it durable and gives it its name. @throws ClientRefusal */
  async write(place: string, temporaryName: string, fill: (file: Filling) => Promise<Attributes>) {
    await this.#ensureDirectory(dirname(place));
    const temporary = join(dirname(place), temporaryName);
    const handle = await open(temporary, 'wx', 0o600).catch(refused(place));
    try {
      const { mode, modifiedAt } = await fill((bytes) => handle.writeFile(bytes)).finally(() =>
        handle.sync().finally(() => handle.close()),
      );
      await chmod(temporary, mode & 0o777);
      // As a date: Node takes a number below 0, a time before 1970, for now.
      const date = new Date(modifiedAt);
      await utimes(temporary, date, date);
      await rename(temporary, place).catch(refused(place));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** The names of what was written are durable after it. */
  async sync(): Promise<void> {
    for (const directory of this.#directories.keys()) {
      const handle = await open(directory, 'r');
      await handle.sync().finally(() => handle.close());
    }
  }

  #ensureDirectory(directory: string): Promise<void> {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const made = this.#makeDirectory(directory);
    this.#directories.set(directory, made);
    return made;
  }

  async #makeDirectory(directory: string): Promise<void> {
    if (directory === this.#root || !directory.startsWith(this.#root + sep)) {
      await mkdir(directory, { recursive: true }).catch(refused(directory));
      return;
    }
    await this.#ensureDirectory(dirname(directory));
    await mkdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') refused(directory)(error);
    });
    const stats = await lstat(directory);
    if (!stats.isDirectory()) {
      throw new ClientRefusal(`${show(directory)} is in the way: a directory is needed there.`);
    }
  }
}

/** Appends to the file. */
export type Filling = (bytes: Uint8Array) => Promise<void>;

export interface Attributes {
  readonly mode: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

const refused =
  (path: string) =>
  (error: unknown): never => {
    throw new ClientRefusal(`${show(path)} ${inWords(error)}.`, { cause: error });
  };
