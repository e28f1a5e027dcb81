import { setBatchPaused } from '../../control/cancel.ts';
import { pace } from '../../control/pace.ts';
import { setPaused } from '../../control/pause.ts';
import type { Ports } from '../../control/ports.ts';
import { UserError } from '../user-error.ts';
import { type Subject, steering } from './subject.ts';

const asked = 'asked for by an operator';

/** Nothing more of it is sent; what is in flight ends. */
export const pause = steering(async (ports, subject, name) => {
  await setSubjectPaused(ports, subject, true);
  const what = wordsOf(subject);
  return {
    document: { paused: name ?? 'all' },
    text: () => `${what} is paused: what is in flight ends, nothing more is sent.`,
  };
});

/** Sends what was held, at once. */
export const resume = steering(async (ports, subject, name) => {
  await setSubjectPaused(ports, subject, false);
  await pace(ports);
  const what = wordsOf(subject);
  return { document: { resumed: name ?? 'all' }, text: () => `${what} goes on.` };
});

async function setSubjectPaused(ports: Ports, subject: Subject, paused: boolean): Promise<void> {
  switch (subject.kind) {
    case 'all':
      await setPaused(ports, 'all', paused, asked);
      return;
    case 'job': {
      const { id, state } = subject.job;
      if ((await setPaused(ports, { job: id }, paused, asked)) === 'unknown')
        throw new UserError(`Job ${id} is ${state} already.`);
      return;
    }
    case 'batch': {
      if (!(await setBatchPaused(ports, subject.found, paused)))
        throw new UserError(`Batch ${subject.found.batch} does not wait: it was sent.`);
      return;
    }
    case 'move':
      throw new UserError('A single move cannot be paused: pause its batch, or cancel it.');
  }
}

function wordsOf(subject: Subject): string {
  if (subject.kind === 'all') return 'Everything';
  return subject.kind === 'job'
    ? `Job ${subject.job.id} (${subject.job.kind})`
    : `Batch ${subject.found.batch}`;
}
