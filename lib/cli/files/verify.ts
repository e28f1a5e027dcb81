import { filesWithin } from '../../client/list.ts';
import { parseStorePath } from '../../client/store-path.ts';
import { verifyFiles } from '../../client/verify.ts';
import { findSource } from '../../client/walk.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { exitCodeFor, problemLines } from './problems.ts';
import { transfer } from './transfer.ts';

export interface VerifyOptions {
  readonly prefix: string;
  readonly source?: string;
}

/** Reads every file back and compares it with its checksum and, given a source, with the source. */
export async function verify(context: Context, { prefix, source }: VerifyOptions): Promise<Answer> {
  const path = parseStorePath(prefix);
  const { home } = context.globals;
  const found = source === undefined ? undefined : await findSource(source, prefix, home);
  const { filesTotal, ...result } = await withStore(context, async (ports) => {
    const stored = await filesWithin(ports.tables, path);
    const verified = await transfer(context, 'verify', (options) =>
      verifyFiles(ports, stored, found?.files, options),
    );
    return { filesTotal: stored.length, ...verified };
  });
  const { filesVerified, bytesVerified, problems } = result;
  return {
    document: { filesTotal, ...result },
    text: () =>
      [
        ...problemLines(problems),
        `${filesVerified.toLocaleString('en')} of ${counted(filesTotal, 'file')} verified, ${formatBytes(bytesVerified)}${problems.length > 0 ? `, ${counted(problems.length, 'problem')}` : ''}.`,
      ].join('\n'),
    exitCode: exitCodeFor(problems),
  };
}
