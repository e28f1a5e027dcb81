import { setTimeout as delay } from 'node:timers/promises';
import { readJob } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import type { JobId } from '../../core/ids.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { type JobView, viewJobs } from '../look/job-view.ts';
import { blockedBy, isStuck, stuckLine } from '../look/job-words.ts';
import { Meter } from '../meter.ts';
import { UserError } from '../user-error.ts';

/** Three cheap reads a look: often enough for a bar, seldom enough not to count. */
const lookEveryMs = 500;

/**
 * Watches a job to its end.
 *
 * @throws UserError 124 after `limitMs`, 130 when interrupted; the job goes on in both cases, and its id is told
 */
export async function waitForJob(
  context: Context,
  ports: Ports,
  id: JobId,
  limitMs: number | undefined,
): Promise<JobView> {
  const { io } = context;
  const meter = new Meter(io, id);
  const limit = limitMs === undefined ? Number.POSITIVE_INFINITY : io.now() + limitMs;
  try {
    for (;;) {
      const job = await look(ports, id);
      if (job.state !== 'running') return job;
      meter.show({
        doneBytes: job.bytesDone,
        totalBytes: job.bytesPlanned,
        note: noteOf(job),
      });
      if (io.now() >= limit) throw goesOn('Timed out', exitCodes.timedOut, id);
      await delay(lookEveryMs, undefined, { signal: io.interrupted }).catch(() => {
        throw goesOn('Interrupted', exitCodes.interrupted, id);
      });
    }
  } finally {
    meter.end();
  }
}

async function look(ports: Ports, id: JobId): Promise<JobView> {
  const job = await readJob(ports.tables, id);
  if (job === undefined) throw new UserError(`There is no job ${id}.`);
  const [view] = await viewJobs(ports.tables, [job], ports.now());
  return view!;
}

function noteOf(job: JobView): string {
  if (isStuck(job)) return stuckLine(job);
  return blockedBy(job) === '-' ? job.phase : `blocked by: ${blockedBy(job)}`;
}

const goesOn = (what: string, exitCode: ExitCode, job: JobId): UserError =>
  new UserError(`${what}; job ${job} goes on: watch it with \`ballast jobs ${job}\`.`, exitCode, {
    job,
  });

const exitCodeByState: Readonly<Record<JobView['state'], ExitCode>> = {
  running: exitCodes.ok,
  done: exitCodes.ok,
  blocked: exitCodes.blocked,
  failed: exitCodes.failed,
  cancelled: exitCodes.failed,
};

export const exitCodeOf = ({ state }: JobView): ExitCode => exitCodeByState[state];
