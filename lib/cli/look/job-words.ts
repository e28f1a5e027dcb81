import { formatDuration } from '../text.ts';
import type { JobView } from './job-view.ts';

/** A job that has not moved a byte for so long while it should is called stuck, aloud. */
export const stuckAfterMs = 30_000;

/** What the job is about, e.g. `n1, n2` or `a:1 b:2`. */
export function subjectOf({ nodes, launch }: Pick<JobView, 'nodes' | 'launch'>): string {
  if (nodes.length > 0) return nodes.join(', ');
  const launched = Object.entries(launch).map(([zone, count]) => `${zone}:${count}`);
  return launched.length > 0 ? launched.join(' ') : '-';
}

/** What stands in its way, and what it waits for. */
export const blocksOf = ({ phase, reasons, waitsFor }: JobView): readonly string[] => [
  ...(phase === 'blocked' ? reasons : []),
  ...waitsFor,
];

/** Why it does not get on, or `-`. */
export const blockedBy = (job: JobView): string => blocksOf(job).join('; ') || '-';

export const isStuck = ({ stillMs }: JobView): boolean => stillMs > stuckAfterMs;

/** Aloud: it should move and does not, and what it waits for. */
export const stuckLine = (job: JobView): string =>
  `STUCK: no byte was committed for ${formatDuration(job.stillMs)}; it waits for: ${blockedBy(job)}`;

/** How a moment is told: people at a page want their own clock. */
export type Clock = (iso: string) => string;

/** To the minute, in UTC. */
export const utcClock: Clock = (iso) => `${iso.slice(0, 16)}Z`;

/** `done by about 14:10, nine times in ten by 14:25; deadline 15:00`; empty where nothing is known. */
export function dueWords({ estimate, deadline }: JobView, clock: Clock): string {
  const expected =
    estimate === null
      ? []
      : [`done by about ${clock(estimate.p50At)}, nine times in ten by ${clock(estimate.p90At)}`];
  return [...expected, ...(deadline === null ? [] : [`deadline ${clock(deadline)}`])].join('; ');
}

/** `running (paused)`. */
export const stateWords = ({ state, paused }: JobView): string =>
  paused ? `${state} (paused)` : state;
