import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { chunkIdPattern } from '../contract/agent.ts';
import { Journal, journalIsThere } from './journal.ts';
import type { Log } from './log.ts';
import { chunkPath, folders, incarnationPath, syncDirectory, temporaryFolder } from './paths.ts';
import { checksumOnDisk } from './read-back.ts';
import { type Copy, type JournalRecord, Shelves } from './shelves.ts';
import { Turns } from './turns.ts';

/** The directory is not one that a node may start on; nothing was changed in it. */
export class UnusableDirectory extends Error {
  override readonly name = 'UnusableDirectory';
}

export interface Recovered {
  readonly incarnation: string;
  readonly shelves: Shelves;
  readonly journal: Journal;
}

/** Files looked at in parallel: the thread pool has few threads more. */
const looksAtOnce = 16;

/**
 * Makes an empty directory a node's disk, or replays the journal of one and finishes or undoes what a
 * crash left: temporary files go, deletes that were journalled are done, a put without its file is not
 * held though its fence stays.
 *
 * @throws UnusableDirectory, JournalDamaged
 */
export async function recover(directory: string, now: () => number, log: Log): Promise<Recovered> {
  await mkdir(directory, { recursive: true, mode: 0o750 });
  if (!journalIsThere(directory)) await makeDisk(directory);
  const incarnation = (await readFile(incarnationPath(directory), 'utf8')).trim();
  await emptyTemporaryFolder(directory);

  const shelves = new Shelves(now);
  const puts = new Map<string, Copy[]>();
  const replayed = await Journal.replay(directory, (record) => {
    shelves.apply(record);
    rememberPut(puts, record);
  });
  if (replayed.torn > 0) log('journal-end-cut', { tornBytes: replayed.torn });
  await reconcile({ directory, shelves, puts, torn: replayed.torn, log });
  const journal = await Journal.open(directory, shelves, replayed);
  return { incarnation, shelves, journal };
}

/** The journal comes last: a disk without one was never in use. */
async function makeDisk(directory: string): Promise<void> {
  for (const folder of folders) {
    const path = `${directory}/chunks/${folder}`;
    await mkdir(path, { recursive: true, mode: 0o750 });
    const [found] = await readdir(path);
    if (found !== undefined)
      throw new UnusableDirectory(
        `${path} holds ${found}, but ${directory} has no journal: its fences are lost. ` +
          'Keep the directory for inspection and start the node with an empty one.',
      );
  }
  await mkdir(temporaryFolder(directory), { recursive: true, mode: 0o750 });
  await writeDurably(directory, incarnationPath(directory), `${randomUUID()}\n`);
  await syncDirectory(`${directory}/chunks`);
  await Journal.create(directory);
}

async function writeDurably(directory: string, path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o640);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncDirectory(directory);
}

async function emptyTemporaryFolder(directory: string): Promise<void> {
  const path = temporaryFolder(directory);
  for (const name of await readdir(path)) await rm(`${path}/${name}`, { force: true });
}

/** Puts since the last delete: a crash between journal and rename leaves the file of an earlier one. */
function rememberPut(puts: Map<string, Copy[]>, record: JournalRecord): void {
  if (record.kind === 'delete') puts.delete(record.chunk);
  if (record.kind !== 'put') return;
  const { slot, size, sha256, epoch } = record;
  const others = (puts.get(record.chunk) ?? []).filter((put) => put.sha256 !== sha256);
  puts.set(record.chunk, [{ slot, size, sha256, epoch }, ...others]);
}

interface Scene {
  readonly directory: string;
  readonly shelves: Shelves;
  readonly puts: ReadonlyMap<string, readonly Copy[]>;
  readonly torn: number;
  readonly log: Log;
}

async function reconcile(scene: Scene): Promise<void> {
  const turns = new Turns(looksAtOnce);
  for (const folder of folders) {
    const names = await readdir(`${scene.directory}/chunks/${folder}`);
    const unrecorded = names.find((name) => !isRecorded(scene, name));
    if (unrecorded !== undefined && scene.torn > 0) throw contradiction(scene, unrecorded);
    await Promise.all(names.map((name) => turns.run(() => settle(scene, folder, name))));
    await syncDirectory(`${scene.directory}/chunks/${folder}`);
  }
}

const isRecorded = ({ shelves }: Scene, name: string): boolean =>
  chunkIdPattern.test(name) && shelves.fence(name) !== undefined;

/** A file gets its name after its record is durable: a cut journal cannot lack the record of a file. */
const contradiction = ({ directory, torn }: Scene, name: string): UnusableDirectory =>
  new UnusableDirectory(
    `${directory} holds ${name}, of which the journal says nothing, and the last ${torn} bytes of the ` +
      'journal are damaged: records are lost. Keep the directory for inspection and start the node ' +
      'with an empty one.',
  );

/** One file: held as the journal says, or removed. */
async function settle(scene: Scene, folder: string, name: string): Promise<void> {
  const path = `${scene.directory}/chunks/${folder}/${name}`;
  const copy = await copyIn(scene, name);
  if (copy !== undefined) {
    scene.shelves.found(name, copy);
    return;
  }
  const why = isRecorded(scene, name) ? 'not-the-recorded-copy' : 'unrecorded';
  scene.log('file-removed', { name, why: isDeleted(scene, name) ? 'deleted' : why });
  await rm(path, { force: true, recursive: true });
}

const isDeleted = (scene: Scene, name: string): boolean =>
  isRecorded(scene, name) && !scene.puts.has(name);

/** Which of the journal's puts the file is: the newest of its size, by its bytes where several could be. */
async function copyIn({ directory, puts }: Scene, name: string): Promise<Copy | undefined> {
  const candidates = puts.get(name) ?? [];
  if (candidates.length === 0) return undefined;
  const path = chunkPath(directory, name);
  const { size } = await stat(path);
  const fitting = candidates.filter((copy) => copy.size === size);
  if (candidates.length === 1) return fitting[0];
  const sha256 = await checksumOnDisk(path);
  return fitting.find((copy) => copy.sha256 === sha256);
}
