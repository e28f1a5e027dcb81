import { readNodes } from '../../control/fleet.ts';
import { cancelJob, readJob } from '../../control/jobs.ts';
import { jobId } from '../../core/ids.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { UserError } from '../user-error.ts';

/** Gives a draining node back: the drain that it is part of ends, for all of its nodes. */
export const undrain = (context: Context, name: string): Promise<Answer> =>
  withStore(context, async (ports) => {
    const node = (await readNodes(ports.tables)).find(({ id }) => id === name);
    if (node === undefined) throw new UserError(`There is no node ${name}.`);
    if (node.state !== 'draining')
      throw new UserError(`Node ${name} is ${node.state}, not draining.`);
    const job = await readJob(ports.tables, jobId(node.job));
    if (job === undefined || !(await cancelJob(ports, job.id))) {
      throw new UserError(`Job ${node.job} has ended: node ${name} is being given back already.`);
    }
    return {
      document: { job: job.id, nodes: job.nodes },
      text: () => `Job ${job.id} is cancelled: ${job.nodes.join(', ')} will take copies again.`,
    };
  });
