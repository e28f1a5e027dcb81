import { putFiles } from '../../client/put.ts';
import { findSource } from '../../client/walk.ts';
import { formatRedundancy } from '../../contract/redundancy.ts';
import { readNodes } from '../../control/fleet.ts';
import type { Ports } from '../../control/ports.ts';
import { holdsKind, type Redundancy, slotCount } from '../../core/fleet.ts';
import { takesCopies } from '../../core/lifecycle.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';
import { exitCodeFor, problemLines } from './problems.ts';
import { transfer } from './transfer.ts';

export interface PutChoices {
  /** @default the policy's */
  readonly redundancy?: Redundancy | undefined;
}

/** Stores a file or a whole tree. The source is looked at before the store is spoken to. */
export async function put(
  context: Context,
  source: string,
  destination: string,
  choices: PutChoices = {},
): Promise<Answer> {
  const found = await findSource(source, destination, context.globals.home);
  const result = await withStore(context, async (ports) => {
    const redundancy = choices.redundancy ?? ports.policy.redundancy;
    if (found.files.length > 0) await refuseTooWide(ports, redundancy);
    return transfer(context, 'put', (options) =>
      putFiles(ports, found.files, { ...options, redundancy }),
    );
  });
  const { symlinksSkipped } = found;
  const { filesStored, bytesStored, problems } = result;
  return {
    document: { ...result, symlinksSkipped },
    text: () =>
      [
        ...problemLines(problems),
        `Stored ${counted(filesStored, 'file')}, ${formatBytes(bytesStored)}.`,
        ...(symlinksSkipped > 0 ? [`Left out ${counted(symlinksSkipped, 'symbolic link')}.`] : []),
      ].join('\n'),
    exitCode: exitCodeFor(problems),
  };
}

/** A rule that no node count of this fleet can keep is a mistake; a fleet that is full for now is not. */
async function refuseTooWide({ tables }: Ports, redundancy: Redundancy): Promise<void> {
  const nodes = (await readNodes(tables)).filter((node) => holdsKind(node.class, 'data'));
  const active = nodes.filter(({ state }) => takesCopies(state)).length;
  const slots = slotCount(redundancy);
  if (slots <= active) return;
  throw new UserError(
    `${formatRedundancy(redundancy)} needs ${counted(slots, 'node')} that take data: the fleet has ${active}.`,
  );
}
