import {
  type Flying,
  heldSince,
  holdsOn,
  inRound,
  type Pending,
  type Traffic,
} from '../../control/traffic.ts';
import { formatDuration } from '../text.ts';

/** A job's batches, and what bears on them. */
export interface Work extends Pick<Traffic, 'nodes' | 'holds'> {
  readonly pending: readonly Pending[];
  readonly flying: readonly Flying[];
  /** Epoch milliseconds of the last start of a batch of it; 0 before the first. */
  readonly sentAt: number;
  /** Batches of other jobs in flight. */
  readonly othersFlying: number;
}

/** Milliseconds since a byte was committed or a batch was sent, as the records of its flights tell. */
export function stillMsOf({ pending, flying, sentAt }: Work, now: number): number {
  const signs = [
    sentAt,
    ...flying.map(({ committedAt, startedAt }) => Math.max(committedAt, startedAt)),
    ...pending.map(({ plannedAt }) => plannedAt),
  ];
  const last = Math.max(0, ...signs);
  return last === 0 ? 0 : Math.max(0, now - last);
}

/** What holds batches that wait; empty while any of them may be sent. */
export function holdersOf(work: Work, now: number): readonly string[] {
  const pending = inRound(work.pending, work.flying);
  if (pending.length === 0 || pending.some((each) => heldSince(work, each) === undefined))
    return [];
  const holds = new Set(pending.flatMap((each) => holdsOn(work, each)));
  const words = [...holds].map(({ zone, reason, since }) => {
    const what = zone === undefined ? 'everything' : `zone ${zone}`;
    return `${what} is held since ${formatDuration(now - since)}: ${reason}`;
  });
  const paused = pending.filter((each) => each.paused).length;
  return paused === 0 ? words : [...words, `batches of it that are paused: ${paused}`];
}

/** What a job waits for that moves nothing though it is not held. */
export function lacksOf({ pending, flying, othersFlying }: Work, now: number): readonly string[] {
  if (flying.length > 0) return silencesOf(flying, now);
  if (pending.length === 0) return ['its next step: all that was sent has ended'];
  return [
    othersFlying > 0
      ? `room in the budgets of its nodes: batches of other jobs in flight: ${othersFlying}`
      : 'a look that sends its batches: none is in flight',
  ];
}

/** By destination: it pulls, so it is the one that does not answer. */
function silencesOf(flying: readonly Flying[], now: number): readonly string[] {
  const byNode = Map.groupBy(flying, ({ to }) => to);
  return [...byNode].map(([to, flights]) => {
    const from = [...new Set(flights.map((flight) => flight.from))].join(', ');
    const aliveAt = Math.max(...flights.map((flight) => flight.aliveAt));
    const again = flights.some(({ token }) => token > 1) ? ', sent again' : '';
    const copies = `copies from ${from} to ${to}`;
    return `${copies}: no sign of life for ${formatDuration(now - aliveAt)}${again}`;
  });
}
