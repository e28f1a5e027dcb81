import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** Replaces `path` as a whole: after a crash it holds the old value or the new one. */
export function writeJsonFile(path: string, value: unknown): void {
  const next = `${path}.next`;
  const file = openSync(next, 'w');
  try {
    writeSync(file, JSON.stringify(value, undefined, 1));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}

/** `undefined` when there is no such file. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
