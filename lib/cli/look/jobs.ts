import { listJobs, readJob } from '../../control/jobs.ts';
import { jobId } from '../../core/ids.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { formatDuration, table } from '../text.ts';
import { UserError } from '../user-error.ts';
import { type JobView, viewJobs } from './job-view.ts';
import {
  blockedBy,
  dueWords,
  isStuck,
  stateWords,
  stuckLine,
  subjectOf,
  utcClock,
} from './job-words.ts';

/** Jobs that the table shows, newest first; the document has as many as are remembered. */
const jobsShownMax = 30;

export const showJobs = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const jobs = (await listJobs(ports.tables)).toReversed();
    const views = await viewJobs(ports.tables, jobs, ports.now());
    return { document: { jobs: views }, text: () => jobTable(views) };
  });

export const showJob = (context: Context, id: string): Promise<Answer> =>
  withStore(context, async (ports) => {
    const job = await readJob(ports.tables, jobId(id));
    if (job === undefined) throw new UserError(`There is no job ${id}.`);
    const [view] = await viewJobs(ports.tables, [job], ports.now());
    return { document: view, text: () => jobFacts(view!) };
  });

/** The newest first, then those that are stuck, aloud. */
export function jobTable(jobs: readonly JobView[]): string {
  if (jobs.length === 0) return 'No jobs.';
  const shown = jobs.slice(0, jobsShownMax);
  const heads = [
    'JOB',
    'KIND',
    'STATE',
    'PHASE',
    'PRIORITY',
    'OF',
    'MOVES',
    'BYTES',
    'BYTES_LEFT',
    'RATE',
    'ETA',
    'DEADLINE',
    'TOOK',
    'BLOCKED_BY',
  ];
  const rows = shown.map((job) => [
    job.id,
    job.kind,
    stateWords(job),
    job.phase,
    job.priority,
    subjectOf(job),
    `${job.movesDone}/${job.movesPlanned}`,
    formatBytes(job.bytesDone),
    formatBytes(job.bytesLeft),
    `${formatBytes(job.bytesPerSecondRecent)}/s`,
    job.secondsLeft === null ? '-' : formatDuration(job.secondsLeft * 1_000),
    job.deadline === null ? '-' : utcClock(job.deadline),
    formatDuration(job.seconds * 1_000),
    blockedBy(job),
  ]);
  const more = jobs.length - shown.length;
  const stuck = jobs.filter(isStuck).map((job) => `\n${job.id} ${stuckLine(job)}`);
  return (
    table(heads, rows) + (more > 0 ? `\n${more} older jobs: see --json.` : '') + stuck.join('')
  );
}

type Fact = readonly [name: string, value: string];

export function jobFacts(job: JobView): string {
  const facts: readonly Fact[] = [
    ['job', `${job.id} (${job.kind} of ${subjectOf(job)})`],
    ['state', `${stateWords(job)}, ${job.phase}, priority ${job.priority}`],
    ...waitFacts(job),
    [
      'began',
      `${job.startedAt}, ${formatDuration(job.seconds * 1_000)} ${job.endedAt === null ? 'ago' : 'long'}`,
    ],
    [
      'moves',
      `${job.movesDone} of ${job.movesPlanned}, ${job.movesInFlight} in flight, ${job.movesRetried} retried, ${job.movesFailed} failed`,
    ],
    [
      'bytes',
      `${formatBytes(job.bytesDone)} of ${formatBytes(job.bytesPlanned)} (no plan could move less than ${formatBytes(job.bytesMinimum)})`,
    ],
    [
      'rate',
      `${formatBytes(job.bytesPerSecondRecent)}/s, ${formatBytes(job.bytesPerSecond)}/s since it began`,
    ],
    ...job.reasons.map((reason) => ['why', reason] as const),
  ];
  return facts.map(([name, value]) => `${name.padEnd(6)} ${value}`).join('\n');
}

/** When it shall be done, and why it may not be. */
function waitFacts(job: JobView): readonly Fact[] {
  const due = dueWords(job, utcClock);
  const waits = job.waitsFor.map((what): Fact => ['waits', what]);
  return [
    ...(due === '' ? [] : [['due', due] as const]),
    ...(isStuck(job) ? [['stuck', stuckLine(job)] as const] : waits),
  ];
}
