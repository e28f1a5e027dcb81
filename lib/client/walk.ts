import { type BigIntStats, constants, type Dirent } from 'node:fs';
import { access, lstat, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { byCodeUnit } from '../core/ids.ts';
import { eachInFlight } from './in-flight.ts';
import { statsInFlightMax } from './limits.ts';
import { ClientRefusal, inWords } from './refusal.ts';
import { joinStorePath, parseName, parseStorePath, show } from './store-path.ts';

export interface SourceFile {
  /** Where it goes in the store. */
  readonly path: string;
  /** Where it lies on this machine. */
  readonly from: string;
  readonly size: number;
}

export interface Source {
  /** In the order of their paths. */
  readonly files: readonly SourceFile[];
  readonly bytes: number;
  /** Symbolic links are left out: what they point to is stored where it lies. */
  readonly symlinksSkipped: number;
}

interface Found {
  readonly files: SourceFile[];
  symlinks: number;
  /** A directory that is left out: the local cloud's own home. */
  readonly without: string | undefined;
}

/**
 * Every file below `source` (or `source` itself) and the path that it gets below `destination`. All of it is
 * looked at before any of it is stored, so that a bad name or a special file leaves nothing behind.
 *
 * @throws ClientRefusal
 */
export async function findSource(
  source: string,
  destination: string,
  without?: string,
): Promise<Source> {
  const into = parseStorePath(destination);
  const top = await statOf(source);
  const found: Found = { files: [], symlinks: 0, without: without && resolve(without) };
  if (top.isDirectory()) await walk(source, into, found);
  else {
    const name = basename(resolve(source));
    const asDirectory = into === '' || destination.endsWith('/');
    await addFile(source, asDirectory ? joinStorePath(into, name) : into, top, found);
  }
  const files = found.files.sort((left, right) => byCodeUnit(left.path, right.path));
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  return { files, bytes, symlinksSkipped: found.symlinks };
}

const statOf = (source: string): Promise<BigIntStats> =>
  stat(source, { bigint: true }).catch((error: unknown) => {
    throw new ClientRefusal(`${show(source)} ${inWords(error)}.`);
  });

async function walk(top: string, into: string, found: Found): Promise<void> {
  const waiting = [{ from: top, path: into }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { from, path } = next;
    if (found.without !== undefined && resolve(from) === found.without) continue;
    const entries = await entriesOf(from);
    await eachInFlight(entries, statsInFlightMax, async (entry) => {
      const name = parseName(entry.name, from);
      const child = { from: join(from, name), path: joinStorePath(path, name) };
      if (entry.isSymbolicLink()) found.symlinks += 1;
      else if (entry.isDirectory()) waiting.push(child);
      else {
        const stats = await lstat(child.from, { bigint: true }).catch(unlessGone);
        if (stats !== undefined) await addFile(child.from, child.path, stats, found);
      }
    });
  }
}

/** What is deleted while the tree is walked is no part of it. */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function entriesOf(directory: string): Promise<readonly Dirent<Buffer<ArrayBufferLike>>[]> {
  try {
    return await readdir(Buffer.from(directory), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    throw new ClientRefusal(`${show(directory)} ${inWords(error)}.`);
  }
}

async function addFile(
  from: string,
  path: string,
  stats: BigIntStats,
  found: Found,
): Promise<void> {
  if (!stats.isFile()) {
    throw new ClientRefusal(`${show(from)} is ${kindOf(stats)}: only regular files can be stored.`);
  }
  try {
    await access(from, constants.R_OK);
  } catch (error) {
    throw new ClientRefusal(`${show(from)} ${inWords(error)}.`);
  }
  found.files.push({ path, from, size: Number(stats.size) });
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isBlockDevice() || stats.isCharacterDevice() ? 'a device' : 'no regular file';
}
