import {
  type Cancelled,
  cancelAllOf,
  cancelBatch,
  cancelMove,
  type FoundBatch,
} from '../../control/cancel.ts';
import { type Job, listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import type { Answer } from '../context.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';
import { steering } from './subject.ts';

/** Gives up a job, a batch, a move or all; copies that are not committed leave no trace. */
export const cancel = steering(async (ports, subject, name) => {
  switch (subject.kind) {
    case 'all':
      return cancelEverything(ports);
    case 'job':
      return cancelOne(ports, subject.job);
    case 'batch':
      return answerOf(name!, subject.found, await cancelBatch(ports, subject.found));
    case 'move': {
      const { found, index } = subject;
      return answerOf(name!, found, await cancelMove(ports, found, index));
    }
  }
});

async function cancelEverything(ports: Ports): Promise<Answer> {
  const running = (await listJobs(ports.tables)).filter(({ state }) => state === 'running');
  for (const job of running) await cancelAllOf(ports, job);
  return {
    document: { jobs: running.map(({ id }) => id), state: 'cancelled' },
    text: () => `${counted(running.length, 'job')} cancelled.`,
  };
}

/** Ends a job; its nodes are given back. */
async function cancelOne(ports: Ports, job: Job): Promise<Answer> {
  if (!(await cancelAllOf(ports, job)))
    throw new UserError(`Job ${job.id} is ${job.state} already.`);
  return {
    document: { job: job.id, kind: job.kind, state: 'cancelled' },
    text: () => `Job ${job.id} (${job.kind}) is cancelled.`,
  };
}

function answerOf(name: string, { job }: FoundBatch, outcome: Cancelled): Answer {
  if (outcome === 'over') throw new UserError(`${name} is over already.`);
  if (outcome === 'in-flight')
    throw new UserError(`${name} is in flight: cancel its batch, or wait until it has landed.`);
  const isPlannedAgain = job.kind === 'drain' || job.kind === 'scale-in';
  const after = isPlannedAgain
    ? 'a node leaves only empty, so its moves are planned again'
    : 'the job goes on without it';
  return {
    document: { cancelled: name, job: job.id },
    text: () => `${name} is cancelled: ${after}.`,
  };
}
