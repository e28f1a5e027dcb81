import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { StoredFile } from '../control/files.ts';
import type { Ports } from '../control/ports.ts';
import { type ReadOptions, readEach } from './read-back.ts';
import { FileFailed, type FileProblem, inWords } from './refusal.ts';
import type { SourceFile } from './walk.ts';

export interface VerifyResult {
  readonly filesVerified: number;
  readonly bytesVerified: number;
  readonly problems: readonly FileProblem[];
}

/**
 * Reads every file back and compares its SHA-256 with its record's, and, given a source, with the SHA-256
 * of the source's bytes as they are now. A source file that is not stored is a problem too.
 */
export async function verifyFiles(
  ports: Ports,
  stored: readonly StoredFile[],
  source: readonly SourceFile[] | undefined,
  options: ReadOptions = {},
): Promise<VerifyResult> {
  const sources = source && new Map(source.map((file) => [file.path, file.from]));
  let filesVerified = 0;
  let bytesVerified = 0;
  const problems = await readEach(
    ports,
    stored,
    async ({ path, record }, read) => {
      await read(async () => {});
      if (sources !== undefined) await compareWithSource(sources.get(path), record.sha256);
      filesVerified += 1;
      bytesVerified += record.size;
    },
    options,
  );
  return { filesVerified, bytesVerified, problems: [...problems, ...notStored(stored, source)] };
}

async function compareWithSource(from: string | undefined, sha256: string): Promise<void> {
  if (from === undefined) throw new FileFailed('is stored but not in the source');
  if ((await sha256Of(from)) !== sha256) throw new FileFailed('differs from its source');
}

async function sha256Of(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    return await digest(handle).finally(() => handle.close());
  } catch (error) {
    throw new FileFailed(`cannot be compared: its source ${inWords(error)}`, { cause: error });
  }
}

/** Most files are small: one buffer and one read each, where a stream sets up several. */
const readBytes = 256 * 1024;

async function digest(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(readBytes);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, readBytes);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
  }
}

function notStored(
  stored: readonly StoredFile[],
  source: readonly SourceFile[] = [],
): readonly FileProblem[] {
  const paths = new Set(stored.map(({ path }) => path));
  return source
    .filter(({ path }) => !paths.has(path))
    .map(({ path }) => ({ path, problem: 'is in the source but not stored' }));
}
