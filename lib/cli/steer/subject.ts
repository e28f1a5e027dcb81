import { type FoundBatch, findBatch } from '../../control/cancel.ts';
import { type Job, readJob } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { jobId } from '../../core/ids.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { UserError } from '../user-error.ts';

/** What a command is about. */
export type Subject =
  | { readonly kind: 'all' }
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'batch'; readonly found: FoundBatch }
  | { readonly kind: 'move'; readonly found: FoundBatch; readonly index: number };

/** A command about a job, a batch, a move, or all where no name is given. */
export const steering =
  (steer: (ports: Ports, subject: Subject, name: string | undefined) => Promise<Answer>) =>
  (context: Context, name: string | undefined, all: true | undefined): Promise<Answer> =>
    withStore(context, async (ports) => steer(ports, await findSubject(ports, name, all), name));

/** Finds what a name means: a job, a batch of a running job, or a move of one (`BATCH/NUMBER`). */
async function findSubject(
  ports: Ports,
  name: string | undefined,
  all: true | undefined,
): Promise<Subject> {
  if ((name === undefined) === (all === undefined))
    throw new UserError('Name a job or a batch, or say --all: one of the two.');
  if (name === undefined) return { kind: 'all' };
  const job = await readJob(ports.tables, jobId(name));
  if (job !== undefined) return { kind: 'job', job };
  const [batch, index] = name.split('/');
  const found = batch!.includes('-') ? await findBatch(ports, batch!) : undefined;
  if (found === undefined) throw new UserError(`There is no job ${name}, and no batch that runs.`);
  return index === undefined
    ? { kind: 'batch', found }
    : { kind: 'move', found, index: Number(index) };
}
