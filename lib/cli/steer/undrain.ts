import { readNodes } from '../../control/fleet.ts';
import type { Job } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { drainOf, type Restorable, restorable, undrain as undo } from '../../control/undrain.ts';
import { nodeId } from '../../core/ids.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';

/** Undoes a drain, for all of its nodes: what is parked is named again, and no byte moves. */
export const undrain = (context: Context, name: string): Promise<Answer> =>
  withStore(context, async (ports) => {
    const job = await drainNamed(ports, name);
    const { nodes } = job;
    const back = await restorable(ports, job);
    const state = await undo(ports, nodeId(name));
    if (state !== 'undrained') throw new UserError(`Node ${name} is ${state}, not draining.`);
    return {
      document: { job: job.id, nodes, bytesMoved: 0, ...back },
      text: () =>
        `Job ${job.id} is cancelled: ${nodes.join(', ')} will take copies again. ${tell(back)}`,
    };
  });

async function drainNamed(ports: Ports, name: string): Promise<Job> {
  const node = (await readNodes(ports.tables)).find(({ id }) => id === name);
  if (node === undefined) throw new UserError(`There is no node ${name}.`);
  const job = await drainOf(ports, node);
  if (job === undefined) throw new UserError(`Node ${name} is ${node.state}, not draining.`);
  return job;
}

const tell = ({ movesBack, bytesBack, movesStaying, bytesStaying }: Restorable): string => {
  const back = `${counted(movesBack, 'slot')} (${formatBytes(bytesBack)}) come back from parked copies, no byte moves`;
  return movesStaying === 0
    ? `${back}.`
    : `${back}; ${counted(movesStaying, 'slot')} (${formatBytes(bytesStaying)}) stay where they moved to.`;
};
