import { cancelJob, readJob } from '../../control/jobs.ts';
import { jobId } from '../../core/ids.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { UserError } from '../user-error.ts';

/** Ends a job; copies that are not committed leave no trace, and its nodes are given back. */
export const cancel = (context: Context, name: string): Promise<Answer> =>
  withStore(context, async (ports) => {
    const id = jobId(name);
    const job = await readJob(ports.tables, id);
    if (job === undefined) throw new UserError(`There is no job ${name}.`);
    if (!(await cancelJob(ports, id))) throw new UserError(`Job ${name} is ${job.state} already.`);
    return {
      document: { job: id, kind: job.kind, state: 'cancelled' },
      text: () => `Job ${id} (${job.kind}) is cancelled.`,
    };
  });
