import { verifyFiles } from '../../client/verify.ts';
import type { SourceFile } from '../../client/walk.ts';
import { listFiles, type StoredFile } from '../../control/files.ts';
import type { Ports } from '../../control/ports.ts';
import type { Account } from './account.ts';
import type { Narrator } from './stage.ts';
import type { SteadyClient } from './steady-client.ts';

/** Reads these files back and tells what is wrong. @returns files that are right */
export async function readTheseBack(
  ports: Ports,
  sources: readonly SourceFile[],
  narrator: Narrator,
): Promise<number> {
  const paths = new Set(sources.map(({ path }) => path));
  const stored: StoredFile[] = [];
  for await (const file of listFiles(ports.tables, '')) {
    if (paths.has(file.path)) stored.push(file);
  }
  const { filesVerified, problems } = await verifyFiles(ports, stored, sources);
  for (const { path, problem } of problems) narrator.say(`${path} ${problem}`);
  return filesVerified;
}

/**
 * Reads every file of an account back: what the run stored and the client still reads is what its source is,
 * and the rest what the client wrote last.
 *
 * @returns files that are right
 */
export async function readAllBack(
  ports: Ports,
  { files }: Account,
  client: Pick<SteadyClient, 'readable' | 'written'>,
  stored: readonly SourceFile[],
  narrator: Narrator,
): Promise<number> {
  const left = new Set(client.readable);
  const source = stored.filter(({ path }) => left.has(path));
  const fromSource = files.filter(({ path }) => left.has(path));
  const others = files.filter(({ path }) => !left.has(path));
  const verified = await verifyFiles(ports, fromSource, source);
  const written = await verifyFiles(ports, others, undefined);
  const stale = others.filter(({ path, record }) => client.written.get(path) !== record.sha256);
  for (const { path, problem } of [...verified.problems, ...written.problems]) {
    narrator.say(`${path} ${problem}`);
  }
  return verified.filesVerified + written.filesVerified - stale.length;
}
