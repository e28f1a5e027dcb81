import type { FlightRecord, PaceRecord } from '../contract/job-records.ts';
import { flightKey, paceKey, pendingKey } from '../contract/keys.ts';
import type { BatchMessage, StepResult, Verdicts } from '../contract/messages.ts';
import { turnsOf } from '../core/ageing.ts';
import { type BatchId, type JobId, jobId } from '../core/ids.ts';
import { type Start, schedule, type Urgency, urgencies } from '../core/schedule.ts';
import {
  type FixedScheduling,
  importanceOf,
  orderOf,
  withTurns,
} from '../core/scheduling-policies.ts';
import type { EpochMillis } from '../core/units.ts';
import { startsPerPacing } from './limits.ts';
import { schedulingNow } from './outcomes.ts';
import type { Op, Ports } from './ports.ts';
import {
  batchOf,
  type Flying,
  flightOf,
  heldSince,
  inRound,
  type Pending,
  readTraffic,
  readUnderway,
  type Traffic,
  type Underway,
} from './traffic.ts';
import {
  mightSend,
  secondsToFly,
  silentFlights,
  verdictFor,
  waitingAfter,
} from './wait-for-moves.ts';

/**
 * Chooses what starts now among all that waits, and sends it. Many may pace at once: each writes under the
 * generation that it read, so one wins and the others see its work next time. A flight that has been
 * silent for too long is sent again under a higher token. What is paused is not sent. For a job of which batches
 * fly one query is all: as each ends it has sent what its room is for ({@link paceAfter}), and the watch looks too.
 *
 * @param job the job that asks, if one does: the verdict is about it
 */
export async function pace(ports: Ports, job?: JobId): Promise<StepResult<Verdicts['pace']>> {
  const underway = await readUnderway(ports.tables);
  const wait = job === undefined ? undefined : secondsToFly(ports, underway, job);
  if (wait !== undefined) return { verdict: 'pending', waitSeconds: wait };
  const { traffic } = await sendNow(ports, underway);
  return verdictFor(ports, traffic, job);
}

/** Tries of a pacing after a batch: of several that end together one wins each time, and may not have seen all. */
const triesMax = 5;

/**
 * A batch has ended: what waits may have its room, whosesoever it is. One query when nothing can be sent.
 *
 * @returns what flew when it looked, the last time
 */
export async function paceAfter(ports: Ports): Promise<readonly Flying[]> {
  for (let tried = 1; ; tried++) {
    const underway = await readUnderway(ports.tables);
    const isIdle = !mightSend(underway) && silentFlights(ports, underway).length === 0;
    const isDone = isIdle || (await sendNow(ports, underway)).outcome !== 'stale';
    if (isDone || tried === triesMax) return underway.flying;
  }
}

/** What a pacing saw, before it sent anything, and whether another one was faster. */
interface Paced {
  readonly traffic: Traffic;
  readonly outcome: 'sent' | 'no-news' | 'stale';
}

async function sendNow(ports: Ports, underway: Underway): Promise<Paced> {
  const traffic = await readTraffic(ports, underway);
  const { scheduling, adapting } = await schedulingNow(ports, traffic);
  const starts = startsNow(ports, traffic, scheduling);
  const departures: Departures = {
    scheduling,
    adapting,
    starts,
    silent: silentFlights(ports, traffic),
    waiting: waitingAfter(ports, traffic, starts),
  };
  const outcome = isNews(traffic, departures)
    ? await send(ports, traffic, departures)
    : ('no-news' as const);
  return { traffic, outcome };
}

/** What one pacing decided. */
interface Departures {
  readonly scheduling: FixedScheduling;
  readonly adapting: PaceRecord['adapting'];
  readonly starts: readonly Start[];
  readonly silent: readonly Flying[];
  readonly waiting: PaceRecord['waiting'];
}

const isNews = ({ paced }: Traffic, { starts, silent, adapting, waiting }: Departures): boolean =>
  starts.length + silent.length > 0 ||
  adapting !== paced.adapting ||
  namesOf(waiting) !== namesOf(paced.waiting);

const namesOf = (waiting: PaceRecord['waiting']): string => Object.keys(waiting).sort().join();

function startsNow(ports: Ports, traffic: Traffic, scheduling: FixedScheduling): readonly Start[] {
  const { policy } = ports;
  const now = ports.now();
  const free = nextInRound(traffic).filter((each) => heldSince(traffic, each) === undefined);
  const turns = turnsOf(
    free.map(({ batch, job, plannedAt }) => ({ id: batch, job: job.id, plannedAt })),
    new Set(traffic.flying.map(({ job }) => job)),
    traffic.paced.lastStarts,
    now,
    policy.ageingMs,
  );
  return schedule(
    free.map((pending) => batchOf(traffic, pending)),
    traffic.flying.map((flying) => flightOf(traffic, flying)),
    policy,
    withTurns(orderOf(scheduling, now), turns),
  ).slice(0, startsPerPacing);
}

/** Of every job, what may be sent as far as its round goes. */
const nextInRound = ({ running, pending, flying }: Traffic): readonly Pending[] =>
  running.flatMap(({ id }) =>
    inRound(
      pending.filter(({ job }) => job.id === id),
      flying.filter(({ job }) => jobId(job) === id),
    ),
  );

interface Message extends BatchMessage {
  readonly urgency: Urgency;
}

async function send(
  ports: Ports,
  traffic: Traffic,
  departures: Departures,
): Promise<'sent' | 'stale'> {
  const now = ports.now();
  const { starts, silent, scheduling } = departures;
  const pendingById = new Map(traffic.pending.map((each) => [each.batch, each]));
  const begun = starts.map((start) => {
    const pending = pendingById.get(start.id)!;
    const flight = flightOfStart(traffic, pending, { rate: start.rate, scheduling, now });
    return { pending, flight, message: messageOf(start.id, flight) };
  });
  const again = silent.map((flight) => ({
    op: sendAgainOp(flight, now),
    message: messageOf(flight.batch, { ...flight, token: flight.token + 1 }),
  }));
  const started = begun.map(({ pending }) => pending.job.id);
  const result = await ports.tables.write([
    paceOp(traffic, departures, started, now),
    ...begun.flatMap(({ pending, flight }) => startOps(pending, flight)),
    ...again.map(({ op }) => op),
  ]);
  if (result.kind === 'refused') return 'stale';
  for (const { job, batch, token } of silent) ports.log('flight-silent', { job, batch, token });
  await sendByUrgency(
    ports,
    [...begun, ...again].map((each) => each.message),
  );
  return 'sent';
}

/** Jobs that have ended are forgotten. */
function paceOp(
  { paced, running }: Traffic,
  { adapting, waiting }: Departures,
  started: readonly JobId[],
  now: number,
): Op {
  const { generation, lastStarts } = paced;
  const stays = running.map(({ id }): [string, number] => [id, lastStarts[id] ?? 0]);
  const starts = started.map((id): [string, number] => [id, now]);
  const record: PaceRecord = {
    generation: generation + 1,
    lastStarts: Object.fromEntries([...stays, ...starts]),
    waiting,
    adapting,
  };
  const when = generation === 0 ? 'absent' : { generation };
  return { op: 'put', key: paceKey, fields: record, when };
}

interface Sent {
  /** Bytes a second. */
  readonly rate: number;
  readonly scheduling: FixedScheduling;
  readonly now: EpochMillis;
}

function flightOfStart(
  traffic: Traffic,
  pending: Pending,
  { rate, scheduling, now }: Sent,
): FlightRecord {
  const { from, to, bytes, moves, plannedAt, round, job } = pending;
  const batch = batchOf(traffic, pending);
  return {
    ...{ from, to, bytes, moves, rate, plannedAt, scheduling, round },
    job: job.id,
    urgency: batch.urgency,
    token: 1,
    aliveAt: now,
    startedAt: now,
    committedAt: 0,
    movesDone: 0,
    bytesDone: 0,
    deadline: job.deadline,
    importance: importanceOf(batch, now),
    lastOp: '',
  };
}

const startOps = ({ job, batch, bytes }: Pending, flight: FlightRecord): readonly Op[] => [
  { op: 'delete', key: pendingKey(job.id, batch), when: { bytes } },
  { op: 'put', key: flightKey(batch), fields: flight, when: 'absent' },
];

const sendAgainOp = (flight: Flying, now: number): Op => ({
  op: 'update',
  key: flightKey(flight.batch),
  set: { token: flight.token + 1, aliveAt: now },
  when: { token: flight.token },
});

const messageOf = (batch: BatchId, { job, urgency, token }: FlightRecord): Message => ({
  job,
  batch,
  urgency,
  token,
});

/** Sent after the write: a message that is lost here is sent again once its flight has been silent. */
async function sendByUrgency(ports: Ports, messages: readonly Message[]): Promise<void> {
  for (const urgency of urgencies) {
    const of = messages.filter((message) => message.urgency === urgency);
    const bodies = of.map(({ job, batch, token }) => ({ job, batch, token }));
    if (bodies.length > 0) await ports.queues.send(urgency, bodies);
  }
}
