import type { JobView } from './job-view.ts';

/** A job that has not moved a byte for so long while it should is called stuck, aloud. */
export const stuckAfterMs = 30_000;

/** What the job is about, e.g. `n1, n2` or `a:1 b:2`. */
export function subjectOf({ nodes, launch }: Pick<JobView, 'nodes' | 'launch'>): string {
  if (nodes.length > 0) return nodes.join(', ');
  const launched = Object.entries(launch).map(([zone, count]) => `${zone}:${count}`);
  return launched.length > 0 ? launched.join(' ') : '-';
}

/** Why it does not get on, or where it is. */
export const blockedBy = (job: JobView): string =>
  job.phase === 'blocked' ? job.reasons.join('; ') : '-';
