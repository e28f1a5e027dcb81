import { filesWithin } from '../../client/list.ts';
import { parseStorePath } from '../../client/store-path.ts';
import { verifyFiles } from '../../client/verify.ts';
import { findSource } from '../../client/walk.ts';
import type { StoredFile } from '../../control/files.ts';
import { readNodes } from '../../control/fleet.ts';
import { neededChunks } from '../../control/manifest.ts';
import type { Ports } from '../../control/ports.ts';
import { ChunkGone, ChunkUnreadable } from '../../control/read.ts';
import { damagedPerJobMax, type FoundSlot, findDamage } from '../../control/scrub.ts';
import { startRepair } from '../../control/start-job.ts';
import { type ChunkId, chunkId } from '../../core/ids.ts';
import { pieces } from '../../core/pieces.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { exitCodeFor, problemLines } from './problems.ts';
import { transfer } from './transfer.ts';

export interface VerifyOptions {
  readonly prefix: string;
  readonly source?: string;
  readonly repair?: true | undefined;
}

/** Reads every file back and compares it with its checksum and, given a source, with the source. */
export async function verify(
  context: Context,
  { prefix, source, repair }: VerifyOptions,
): Promise<Answer> {
  const path = parseStorePath(prefix);
  const { home } = context.globals;
  const found = source === undefined ? undefined : await findSource(source, prefix, home);
  const { filesTotal, ...result } = await withStore(context, async (ports) => {
    const stored = await filesWithin(ports.tables, path);
    const verified = await transfer(context, 'verify', (options) =>
      verifyFiles(ports, stored, found?.files, options),
    );
    const repairs = repair === true ? await repairDamage(ports, stored) : undefined;
    return { filesTotal: stored.length, ...verified, ...(repairs && { repairs }) };
  });
  const { filesVerified, bytesVerified, problems, repairs } = result;
  return {
    document: { filesTotal, ...result },
    text: () =>
      [
        ...problemLines(problems),
        `${filesVerified.toLocaleString('en')} of ${counted(filesTotal, 'file')} verified, ${formatBytes(bytesVerified)}${problems.length > 0 ? `, ${counted(problems.length, 'problem')}` : ''}.`,
        ...(repairs === undefined ? [] : [repairLine(repairs)]),
      ].join('\n'),
    exitCode: exitCodeFor(problems),
  };
}

interface Repairs {
  readonly damaged: readonly FoundSlot[];
  /** Ids of the jobs that were started. */
  readonly jobs: readonly string[];
}

async function repairDamage(ports: Ports, stored: readonly StoredFile[]): Promise<Repairs> {
  const damaged = await findDamage(ports, await chunksOf(ports, stored));
  const jobs: string[] = [];
  for (const part of pieces(damaged, damagedPerJobMax)) {
    const reason = `${counted(part.length, 'slot')} without their bytes`;
    const started = await startRepair(ports, [], [reason], part);
    if (started.kind === 'started') jobs.push(started.job);
  }
  return { damaged, jobs };
}

/** A file whose manifest cannot be read names only the manifest: that is repaired first. */
async function chunksOf(ports: Ports, stored: readonly StoredFile[]): Promise<readonly ChunkId[]> {
  const fleet = await readNodes(ports.tables);
  const chunks: ChunkId[] = [];
  for (const { record } of stored) {
    try {
      for (const chunk of await neededChunks(ports, fleet, record)) chunks.push(chunk);
    } catch (error) {
      if (error instanceof ChunkGone) continue;
      if (!(error instanceof ChunkUnreadable)) throw error;
      chunks.push(...record.manifest.map(({ id }) => chunkId(id)));
    }
  }
  return chunks;
}

const repairLine = ({ damaged, jobs }: Repairs): string =>
  damaged.length === 0
    ? 'No copy or shard is damaged.'
    : `${counted(damaged.length, 'slot')} damaged: ${jobs.join(', ')} repairs it.`;
