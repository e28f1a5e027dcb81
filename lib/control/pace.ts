import { flightKey, paceKey, pendingKey } from '../contract/keys.ts';
import type { BatchMessage, StepResult, Verdicts } from '../contract/messages.ts';
import type { FlightRecord, PaceRecord } from '../contract/records.ts';
import { turnsOf } from '../core/ageing.ts';
import { type BatchId, type JobId, jobId } from '../core/ids.ts';
import { makespanBound, type Start, schedule, type Urgency, urgencies } from '../core/schedule.ts';
import {
  type FixedScheduling,
  importanceOf,
  orderOf,
  withTurns,
} from '../core/scheduling-policies.ts';
import type { EpochMillis } from '../core/units.ts';
import { resendsPerPacing, startsPerPacing } from './limits.ts';
import { schedulingNow } from './outcomes.ts';
import type { Op, Ports } from './ports.ts';
import {
  batchOf,
  type Flying,
  flightOf,
  heldSince,
  type Pending,
  readTraffic,
  type Traffic,
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

/**
 * Chooses what starts now among all that waits, and sends it. Many may pace at once: each writes under the
 * generation that it read, so one wins and the others see its work next time. A flight that has been
 * silent for too long is sent again under a higher token. What is paused is not sent.
 *
 * @param job the job that asks, if one does: the verdict is about it
 */
export async function pace(ports: Ports, job?: JobId): Promise<StepResult<Verdicts['pace']>> {
  const traffic = await readTraffic(ports);
  const { scheduling, adapting } = await schedulingNow(ports, traffic);
  const departures: Departures = {
    scheduling,
    adapting,
    starts: startsNow(ports, traffic, scheduling),
    silent: silentFlights(ports, traffic),
  };
  if (isNews(traffic, departures)) await send(ports, traffic, departures);
  return verdictFor(ports, traffic, job);
}

/** What one pacing decided. */
interface Departures {
  readonly scheduling: FixedScheduling;
  readonly adapting: PaceRecord['adapting'];
  readonly starts: readonly Start[];
  readonly silent: readonly Flying[];
}

const isNews = ({ paced }: Traffic, { starts, silent, adapting }: Departures): boolean =>
  starts.length + silent.length > 0 || adapting !== paced.adapting;

function startsNow(ports: Ports, traffic: Traffic, scheduling: FixedScheduling): readonly Start[] {
  const { policy } = ports;
  const now = ports.now();
  const free = traffic.pending.filter((pending) => heldSince(traffic, pending) === undefined);
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

const silentFlights = (ports: Ports, { flying }: Traffic): readonly Flying[] =>
  flying
    .filter(({ aliveAt }) => ports.now() - aliveAt > ports.policy.flightLimitMs)
    .slice(0, resendsPerPacing);

interface Message extends BatchMessage {
  readonly urgency: Urgency;
}

async function send(ports: Ports, traffic: Traffic, departures: Departures): Promise<void> {
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
  if (result.kind === 'refused') return;
  for (const { job, batch, token } of silent) ports.log('flight-silent', { job, batch, token });
  await sendByUrgency(
    ports,
    [...begun, ...again].map((each) => each.message),
  );
}

/** Jobs that have ended are forgotten. */
function paceOp(
  { paced, running }: Traffic,
  { adapting }: Departures,
  started: readonly JobId[],
  now: number,
): Op {
  const { generation, lastStarts } = paced;
  const stays = running.map(({ id }): [string, number] => [id, lastStarts[id] ?? 0]);
  const starts = started.map((id): [string, number] => [id, now]);
  const record: PaceRecord = {
    generation: generation + 1,
    lastStarts: Object.fromEntries([...stays, ...starts]),
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
  const { from, to, bytes, moves, plannedAt, job } = pending;
  const batch = batchOf(traffic, pending);
  return {
    ...{ from, to, bytes, moves, rate, plannedAt, scheduling },
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

/** As of before this pacing: what it started is still pending for the one who asks. */
function verdictFor(
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
  const held = pending.map((each) => heldSince(traffic, each));
  const isHeld = flying.length === 0 && held.every((since) => since !== undefined);
  const seconds = isHeld
    ? heldSeconds(ports.now() - Math.max(...held))
    : busySeconds(ports, traffic, pending, flying);
  return { verdict: 'pending', waitSeconds: seconds };
}

const between = (least: number, seconds: number, most: number): number =>
  Math.min(most, Math.max(least, Math.floor(seconds)));

const heldSeconds = (heldMs: number): number =>
  between(heldSecondsMin, (heldMs / 1_000) * heldShare, heldSecondsMax);

function busySeconds(
  ports: Ports,
  traffic: Traffic,
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
  return between(waitSecondsMin, makespanBound(left, ports.policy) / 2, waitSecondsMax);
}
