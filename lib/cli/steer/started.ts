import type { Ports } from '../../control/ports.ts';
import type { Started } from '../../control/start-job.ts';
import { explainBlock } from '../../core/explain-block.ts';
import type { NodeId } from '../../core/ids.ts';
import type { Block } from '../../core/plan.ts';
import { explainRemedy } from '../../core/remedy.ts';
import { formatBytes } from '../../core/units.ts';
import type { Answer, Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { JobView } from '../look/job-view.ts';
import { subjectOf } from '../look/job-words.ts';
import { counted, formatDuration } from '../text.ts';
import { UserError } from '../user-error.ts';
import { exitCodeOf, waitForJob } from './wait-for-job.ts';

export interface Waiting {
  readonly wait?: true;
  /** Milliseconds; given, it waits. */
  readonly timeout?: number;
}

/** What became of a request: the job's id at once, or its end. */
export async function answerStarted(
  context: Context,
  ports: Ports,
  started: Started,
  { wait, timeout }: Waiting,
  nodes: readonly NodeId[] = [],
): Promise<Answer> {
  if (started.kind === 'blocked') throw blockedError(started, nodes);
  const { job } = started;
  if (!wait && timeout === undefined) {
    return {
      document: { job },
      text: () => `Job ${job} runs: watch it with \`ballast jobs ${job}\`.`,
    };
  }
  const ended = await waitForJob(context, ports, job, timeout);
  return { document: ended, text: () => ending(ended), exitCode: exitCodeOf(ended) };
}

type Refused = Pick<Extract<Started, { kind: 'blocked' }>, 'blocks' | 'remedies'>;

/**
 * A mistake in the request is bad usage; what only stands in the way now is a block. What would let it
 * happen is told too.
 */
export function blockedError(
  { blocks, remedies }: Refused,
  nodes: readonly NodeId[] = [],
): UserError {
  const ways = remedies.map((remedy) => explainRemedy(remedy, nodes));
  const unblocking = ways.length > 0 ? ` To unblock: ${ways.join('; or ')}.` : '';
  return new UserError(
    `Refused: ${blocks.map(explainBlock).join('; ')}.${unblocking}`,
    blockedCode(blocks),
    { blocks, remedies },
  );
}

/** Draining a zone's last node or more than fits cannot succeed by waiting, so it is bad usage as well. */
const blockedCode = (blocks: readonly Block[]): ExitCode =>
  blocks.every(({ kind }) => kind === 'too-few-holders' || kind === 'too-late')
    ? exitCodes.blocked
    : exitCodes.usage;

export function ending(job: JobView): string {
  const what = `${job.kind} of ${subjectOf(job)}`;
  const took = formatDuration(job.seconds * 1_000);
  const moved = `${formatBytes(job.bytesDone)} in ${took}, ${counted(job.movesDone, 'move')}, ${job.movesFailed} failed`;
  const why = job.reasons.length > 0 ? ` (${job.reasons.join('; ')})` : '';
  return job.state === 'done'
    ? `Done: ${what}, ${moved}.`
    : `The ${what} ended ${job.state}: ${moved}${why}.`;
}
