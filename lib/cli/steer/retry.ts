import { readJob } from '../../control/jobs.ts';
import { retryJob } from '../../control/retry.ts';
import { jobId } from '../../core/ids.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { UserError } from '../user-error.ts';
import { answerStarted, type Waiting } from './started.ts';

/** Starts a new job for what one that has ended was for. */
export const retry = (context: Context, name: string, waiting: Waiting): Promise<Answer> =>
  withStore(context, async (ports) => {
    const job = await readJob(ports.tables, jobId(name));
    if (job === undefined) throw new UserError(`There is no job ${name}.`);
    if (job.state === 'running')
      throw new UserError(`Job ${name} runs: it plans again by itself what did not succeed.`);
    if (job.state === 'done')
      throw new UserError(`Job ${name} is done: there is nothing to retry.`);
    return answerStarted(context, ports, await retryJob(ports, job), waiting);
  });
