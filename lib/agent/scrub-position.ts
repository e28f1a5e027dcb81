import { readFile, rename, writeFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { chunkIdPattern } from '../contract/agent.ts';
import { believedPass, newPass, type ScrubPass } from '../core/scrub-pace.ts';
import { scrubPath } from './paths.ts';

const moment = z.number().check(z.nonnegative());
/** What outlives the process. */
const Position = z.object({
  startedAt: moment,
  endedAt: moment,
  after: z.string().check(z.regex(/^(?:[a-f0-9]{64})?$/)),
  /** Chunks whose copies were damaged: they are looked at first. */
  suspects: z.array(z.string().check(z.regex(chunkIdPattern))),
});

export interface ScrubPosition {
  readonly pass: ScrubPass;
  readonly suspects: readonly string[];
}

/** How far the scrub of this disk was; a pass at its beginning where nothing, or nothing sensible, tells. */
export async function readPosition(directory: string, now: number): Promise<ScrubPosition> {
  try {
    const text = await readFile(scrubPath(directory), 'utf8');
    const { suspects, ...pass } = Position.parse(JSON.parse(text));
    return { pass: believedPass(pass, now), suspects };
  } catch {
    return { pass: newPass(now), suspects: [] };
  }
}

/** Whole or not at all, as far as the process may die; nothing is synced, since losing it costs a pass at most. */
export async function writePosition(
  directory: string,
  { pass, suspects }: ScrubPosition,
): Promise<void> {
  const path = scrubPath(directory);
  await writeFile(`${path}.new`, JSON.stringify({ ...pass, suspects }));
  await rename(`${path}.new`, path);
}
