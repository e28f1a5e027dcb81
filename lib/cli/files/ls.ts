import { filesWithin } from '../../client/list.ts';
import { parseStorePath } from '../../client/store-path.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { table } from '../text.ts';

export const ls = (context: Context, prefix: string): Promise<Answer> =>
  withStore(context, async (ports) => {
    const stored = await filesWithin(ports.tables, parseStorePath(prefix));
    const files = stored.map(
      ({ path, record: { size, sha256, mode, modifiedAt, version, chunks } }) => ({
        ...{ path, size, sha256, mode, version },
        modifiedAt: dateOf(modifiedAt),
        chunks: chunks.length,
      }),
    );
    return {
      document: { files },
      text: () =>
        files.length === 0
          ? 'No files.'
          : table(
              ['SIZE', 'MODIFIED', 'PATH'],
              files.map(({ path, size, modifiedAt }) => [
                formatBytes(size),
                modifiedAt ?? '-',
                path,
              ]),
            ),
    };
  });

/** File systems know dates that ISO 8601 has no name for. */
function dateOf(modifiedAt: number): string | null {
  const date = new Date(modifiedAt);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
