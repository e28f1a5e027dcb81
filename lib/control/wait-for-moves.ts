import type { PaceRecord } from '../contract/job-records.ts';
import type { StepResult, Verdicts } from '../contract/messages.ts';
import { type JobId, jobId } from '../core/ids.ts';
import { makespanBound, type Start } from '../core/schedule.ts';
import { resendsPerPacing } from './limits.ts';
import type { Ports } from './ports.ts';
import {
  batchOf,
  doNodesMatter,
  type Flying,
  flightOf,
  heldSince,
  inRound,
  type Pending,
  type Traffic,
  type Underway,
} from './traffic.ts';

/**
 * Between looks at moves in flight, whole seconds: half of the least time that what is left takes, so that no
 * look comes after the end. A job of a day looks about 300 times, far from an execution's 25,000 events.
 */
const waitSecondsMin = 1;
const waitSecondsMax = 300;
/** While all of a job is held: a tenth of the time that it is, so that a month's pause takes 800 looks. */
const heldSecondsMin = 30;
const heldSecondsMax = 3_600;
const heldShare = 0.1;

/** Those that have shown no sign of life for too long. */
export const silentFlights = (ports: Ports, { flying }: Underway): readonly Flying[] =>
  flying
    .filter(({ aliveAt }) => ports.now() - aliveAt > ports.policy.flightLimitMs)
    .slice(0, resendsPerPacing);

/**
 * How long until it is worth looking again at a job of which batches fly, whole seconds; nothing when more is to be
 * looked at: none of it flies, a flight is silent, or nodes' states matter.
 */
export function secondsToFly(ports: Ports, underway: Underway, job: JobId): number | undefined {
  const flying = underway.flying.filter((each) => jobId(each.job) === job);
  if (flying.length === 0 || silentFlights(ports, underway).length > 0) return undefined;
  if (doNodesMatter(ports, { ...underway, pending: [] })) return undefined;
  const secondsMin = secondsOf(ports, { nodes: undefined }, [], flying);
  return halfOf(Math.max(secondsMin, underway.paced.waiting[job]?.seconds ?? 0));
}

/** What still waits once these have started: by job, the least seconds that it takes, and its first round. */
export function waitingAfter(
  ports: Ports,
  traffic: Traffic,
  starts: readonly Start[],
): PaceRecord['waiting'] {
  const started = new Set<string>(starts.map(({ id }) => id));
  const left = traffic.pending.filter(({ batch }) => !started.has(batch));
  const byJob = Map.groupBy(left, ({ job }) => job.id);
  const waitOf = (pending: readonly Pending[]) => {
    const batches = pending.map((each) => batchOf(traffic, each));
    const round = pending.reduce((least, each) => Math.min(least, each.round), pending[0]!.round);
    return { seconds: Math.floor(makespanBound(batches, ports.policy)), round };
  };
  return Object.fromEntries([...byJob].map(([job, pending]) => [job, waitOf(pending)]));
}

/** Whether any of what waits might be sent now: a round waits until all of the one before has ended. */
export const mightSend = ({ paced, flying }: Underway): boolean =>
  Object.entries(paced.waiting).some(
    ([job, { round }]) => !flying.some((flight) => flight.job === job && flight.round < round),
  );

/** As of before this pacing: what it started is still pending for the one who asks. */
export function verdictFor(
  ports: Ports,
  traffic: Traffic,
  job: JobId | undefined,
): StepResult<Verdicts['pace']> {
  const pending = traffic.pending.filter((each) => each.job.id === job);
  const flying = traffic.flying.filter((each) => jobId(each.job) === job);
  if (pending.length + flying.length === 0) {
    const cancelled = job !== undefined && !traffic.running.some(({ id }) => id === job);
    return { verdict: cancelled ? 'cancelled' : 'settled', waitSeconds: 0 };
  }
  const held = inRound(pending, flying).map((each) => heldSince(traffic, each));
  const isHeld = flying.length === 0 && held.every((since) => since !== undefined);
  const seconds = isHeld
    ? heldSeconds(ports.now() - Math.max(...held))
    : halfOf(secondsOf(ports, traffic, pending, flying));
  return { verdict: 'pending', waitSeconds: seconds };
}

const between = (least: number, seconds: number, most: number): number =>
  Math.min(most, Math.max(least, Math.floor(seconds)));

const heldSeconds = (heldMs: number): number =>
  between(heldSecondsMin, (heldMs / 1_000) * heldShare, heldSecondsMax);

/** What is left takes so long at least. */
function secondsOf(
  ports: Ports,
  traffic: Pick<Traffic, 'nodes'>,
  pending: readonly Pending[],
  flying: readonly Flying[],
): number {
  const left = [
    ...pending.map((each) => batchOf(traffic, each)),
    ...flying.map((each) => ({
      ...flightOf(traffic, each),
      bytes: each.bytes - each.bytesDone,
    })),
  ];
  return makespanBound(left, ports.policy);
}

const halfOf = (seconds: number): number => between(waitSecondsMin, seconds / 2, waitSecondsMax);
