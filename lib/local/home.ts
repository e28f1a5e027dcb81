import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalCloudRefusal } from './refusal.ts';

export interface Home {
  readonly path: string;
  /** A path below home. */
  at(...parts: string[]): string;
  unlock(): void;
}

const directories = ['logs', 'nodes', 'dynamodb', 'fauxqs', 'inline'];

/**
 * Takes the exclusive lock on a home directory. The lock is the operating system's lock on an SQLite file: it has
 * no race between two starters and falls with its holder, even by kill -9. The pid file beside it only
 * tells the refused one whom to stop.
 */
export function openHome(path: string): Home {
  for (const directory of directories) mkdirSync(join(path, directory), { recursive: true });
  const pidFile = join(path, 'cloud.pid');
  const lock = new DatabaseSync(join(path, 'lock.db'));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new LocalCloudRefusal(
      'home-in-use',
      `A local cloud already runs on ${path}${runningAs(pidFile)}; stop it first or choose another home.`,
      { cause },
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return { path, at: (...parts) => join(path, ...parts), unlock: () => lock.close() };
}

function runningAs(pidFile: string): string {
  try {
    return ` (process ${readFileSync(pidFile, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
