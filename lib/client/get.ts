import { lstat } from 'node:fs/promises';
import type { StoredFile } from '../control/files.ts';
import type { Ports } from '../control/ports.ts';
import { eachInFlight } from './in-flight.ts';
import { statsInFlightMax } from './limits.ts';
import { LocalTree } from './local-tree.ts';
import { type ReadOptions, readEach } from './read-back.ts';
import { ClientRefusal, type FileProblem } from './refusal.ts';
import { show } from './store-path.ts';

export interface Wanted extends StoredFile {
  /** Where it goes below the destination, with `/`. */
  readonly to: string;
}

export interface GetOptions extends ReadOptions {
  readonly existing: 'refuse' | 'overwrite';
}

export interface GetResult {
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly problems: readonly FileProblem[];
}

/**
 * Writes stored files below `destination`, each under its name only when it is complete, checked against its
 * checksum and durable. Everything is looked at before anything is written.
 *
 * @throws ClientRefusal
 */
export async function getFiles(
  ports: Ports,
  files: readonly Wanted[],
  destination: string,
  options: GetOptions,
): Promise<GetResult> {
  refuseClashes(files);
  const tree = new LocalTree(destination);
  const places = new Map(files.map((file) => [file.path, tree.placeOf(file.to)]));
  if (options.existing === 'refuse') await refuseExisting([...places.values()]);
  let filesWritten = 0;
  let bytesWritten = 0;
  const problems = await readEach(
    ports,
    files,
    async ({ path, record }, read) => {
      await tree.write(places.get(path)!, `.ballast-${ports.newId()}.part`, async (append) => {
        await read(append);
        return record;
      });
      filesWritten += 1;
      bytesWritten += record.size;
    },
    options,
  );
  await tree.sync();
  return { filesWritten, bytesWritten, problems };
}

/** The store knows no directories: it may have both `a` and `a/b`, a file system not. */
function refuseClashes(files: readonly Wanted[]): void {
  const names = new Map(files.map(({ to, path }) => [to, path]));
  for (const { to, path } of files) {
    for (let end = to.lastIndexOf('/'); end > 0; end = to.lastIndexOf('/', end - 1)) {
      const above = names.get(to.slice(0, end));
      if (above === undefined) continue;
      throw new ClientRefusal(
        `${show(above)} is a file and ${show(path)} lies below it: fetch them one by one, to different places.`,
      );
    }
  }
}

async function refuseExisting(places: readonly string[]): Promise<void> {
  const existing: string[] = [];
  await eachInFlight(places, statsInFlightMax, async (place) => {
    const stats = await lstat(place).catch(() => undefined);
    if (stats !== undefined) existing.push(place);
  });
  if (existing.length === 0) return;
  const more = existing.length > 1 ? ` and ${existing.length - 1} more` : '';
  throw new ClientRefusal(
    `${show(existing.sort()[0]!)}${more} would be overwritten: give --force to allow it.`,
  );
}
