import {
  batchOfKey,
  batchPartition,
  flightKey,
  flightPartition,
  flightPrefix,
  holdPrefix,
  jobOfKey,
  jobPartition,
  paceKey,
  pendingKey,
  pendingPrefixOf,
  zoneOfHold,
} from '../contract/keys.ts';
import type { BatchMessage, StepResult, Verdicts } from '../contract/messages.ts';
import { FlightRecord, JobRecord, PaceRecord, PendingRecord } from '../contract/records.ts';
import type { BatchId, JobId, Zone } from '../core/ids.ts';
import { nodeId } from '../core/ids.ts';
import { type Batch, type Flight, type Start, schedule, urgencies } from '../core/schedule.ts';
import { bytes, bytesPerSecond, epochMillis } from '../core/units.ts';
import { urgencyUnder } from '../core/urgency-under.ts';
import { readNodes } from './fleet.ts';
import { resendsPerPacing, startsPerPacing } from './limits.ts';
import { queryAll } from './pages.ts';
import type { Op, Ports } from './ports.ts';

interface Pending extends PendingRecord {
  /** Of the job, as it is now; 0 when it has none. */
  readonly deadline: number;
  readonly job: JobId;
  readonly batch: BatchId;
}
interface Flying extends FlightRecord {
  readonly batch: BatchId;
}
interface Traffic {
  readonly generation: number;
  readonly running: readonly { readonly id: JobId; readonly record: JobRecord }[];
  readonly pending: readonly Pending[];
  readonly flying: readonly Flying[];
  /** Zones from and to which no planned move is sent, and where each node is. */
  readonly held: ReadonlySet<Zone>;
  readonly zoneOf: ReadonlyMap<string, Zone>;
}

/** Between looks at moves in flight, whole seconds: soon when they are nearly done, seldom when not. */
const waitSecondsMin = 1;
const waitSecondsMax = 120;

/**
 * Chooses what starts now among all that waits, and sends it. Many may pace at once: each writes under the
 * generation that it read, so one wins and the others see its work next time. A flight that has been
 * silent for too long is sent again under a higher token.
 *
 * @param job the job that asks, if one does: the verdict is about it
 */
export async function pace(ports: Ports, job?: JobId): Promise<StepResult<Verdicts['pace']>> {
  const traffic = await readTraffic(ports);
  const starts = startsNow(ports, traffic);
  const silent = silentFlights(ports, traffic);
  if (starts.length + silent.length > 0) await send(ports, traffic, starts, silent);
  return verdictFor(ports, traffic, job);
}

async function readTraffic(ports: Ports): Promise<Traffic> {
  const [flights, jobs] = await Promise.all([
    queryAll(ports.tables, 'placement', flightPartition),
    queryAll(ports.tables, 'placement', jobPartition),
  ]);
  const running = jobs
    .map((item) => ({ id: jobOfKey(item.sk), record: JobRecord.parse(item) }))
    .filter(({ record }) => record.state === 'running' && record.attempt !== '');
  const pending = await Promise.all(running.map(({ id, record }) => pendingOf(ports, id, record)));
  const zonesHeld = flights
    .filter(({ sk }) => sk.startsWith(holdPrefix))
    .flatMap(({ sk }) => zoneOfHold(sk) ?? []);
  const nodes = zonesHeld.length > 0 ? await readNodes(ports.tables) : [];
  const paced = flights.find(({ sk }) => sk === paceKey.sk);
  return {
    generation: paced === undefined ? 0 : PaceRecord.parse(paced).generation,
    running,
    pending: pending.flat(),
    held: new Set(zonesHeld),
    zoneOf: new Map(nodes.map(({ id, zone }) => [id, zone])),
    flying: flights
      .filter(({ sk }) => sk.startsWith(flightPrefix))
      .map((item) => ({ ...FlightRecord.parse(item), batch: batchOfKey(item.sk) })),
  };
}

/** Only batches of the plan that the job names: those of a plan that was never finished do not count. */
async function pendingOf(ports: Ports, job: JobId, record: JobRecord): Promise<readonly Pending[]> {
  const prefix = pendingPrefixOf(record.attempt);
  const items = await queryAll(ports.tables, 'placement', batchPartition(job), prefix);
  const { deadline } = record;
  return items.map((item) => {
    const planned = PendingRecord.parse(item);
    const urgency = urgencyUnder(planned.urgency, deadline);
    return { ...planned, urgency, deadline, job, batch: batchOfKey(item.sk) };
  });
}

/** A repair does not wait for a zone that is ill, nor does what has a deadline. */
const isHeld = ({ held, zoneOf }: Traffic, { urgency, from, to }: Pending): boolean =>
  (urgency === 'normal' || urgency === 'low') &&
  [from, to].some((node) => held.has(zoneOf.get(node)!));

function startsNow(ports: Ports, traffic: Traffic): readonly Start[] {
  const { pending, flying } = traffic;
  const policy = ports.policy;
  const sendable = pending.filter((each) => !isHeld(traffic, each));
  const waiting = sendable.map(
    (each): Batch => ({
      id: each.batch,
      job: each.job,
      urgency: each.urgency,
      moves: each.moves,
      from: nodeId(each.from),
      to: nodeId(each.to),
      bytes: bytes(each.bytes),
      ...(each.deadline > 0 && { deadline: epochMillis(each.deadline) }),
    }),
  );
  const inFlight = flying.map(
    (each): Flight => ({
      from: nodeId(each.from),
      to: nodeId(each.to),
      rate: bytesPerSecond(each.rate),
    }),
  );
  return schedule(waiting, inFlight, policy).slice(0, startsPerPacing);
}

const silentFlights = (ports: Ports, { flying }: Traffic): readonly Flying[] =>
  flying
    .filter(({ aliveAt }) => ports.now() - aliveAt > ports.policy.flightLimitMs)
    .slice(0, resendsPerPacing);

interface Message extends BatchMessage {
  readonly urgency: PendingRecord['urgency'];
}

async function send(
  ports: Ports,
  { generation, pending }: Traffic,
  starts: readonly Start[],
  silent: readonly Flying[],
): Promise<void> {
  const now = ports.now();
  const begun = starts.map((start) => {
    const batch = pending.find((each) => each.batch === start.id)!;
    return { batch, ops: startOps(batch, start, now), message: messageOf(batch, 1) };
  });
  const again = silent.map((flight) => ({
    ops: [sendAgainOp(flight, now)],
    message: { ...messageOf(flight, flight.token + 1), job: flight.job },
  }));
  const ops = [paceOp(generation), ...[...begun, ...again].flatMap((each) => each.ops)];
  const result = await ports.tables.write(ops);
  if (result.kind === 'refused') return;
  for (const { job, batch, token } of silent) ports.log('flight-silent', { job, batch, token });
  await sendByUrgency(
    ports,
    [...begun, ...again].map((each) => each.message),
  );
}

const paceOp = (generation: number): Op => ({
  op: 'put',
  key: paceKey,
  fields: { generation: generation + 1 },
  when: generation === 0 ? 'absent' : { generation },
});

const startOps = (batch: Pending, start: Start, now: number): readonly Op[] => [
  { op: 'delete', key: pendingKey(batch.job, batch.batch), when: { bytes: batch.bytes } },
  {
    op: 'put',
    key: flightKey(batch.batch),
    fields: {
      job: batch.job,
      urgency: batch.urgency,
      from: batch.from,
      to: batch.to,
      bytes: batch.bytes,
      moves: batch.moves,
      rate: start.rate,
      token: 1,
      aliveAt: now,
      movesDone: 0,
      bytesDone: 0,
      lastOp: '',
    },
    when: 'absent',
  },
];

const sendAgainOp = (flight: Flying, now: number): Op => ({
  op: 'update',
  key: flightKey(flight.batch),
  set: { token: flight.token + 1, aliveAt: now },
  when: { token: flight.token },
});

const messageOf = (
  { job, batch, urgency }: { job: string; batch: BatchId; urgency: Message['urgency'] },
  token: number,
): Message => ({ job, batch, urgency, token });

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
  { running, pending, flying }: Traffic,
  job: JobId | undefined,
): StepResult<Verdicts['pace']> {
  const left = [
    ...pending.filter((each) => each.job === job).map((each) => each.bytes),
    ...flying.filter((each) => each.job === job).map((each) => each.bytes - each.bytesDone),
  ];
  if (left.length === 0) {
    const cancelled = job !== undefined && !running.some(({ id }) => id === job);
    return { verdict: cancelled ? 'cancelled' : 'settled', waitSeconds: 0 };
  }
  const seconds = left.reduce((sum, each) => sum + each, 0) / ports.policy.nodeRateBytes;
  const waitSeconds = Math.min(waitSecondsMax, Math.max(waitSecondsMin, Math.floor(seconds / 4)));
  return { verdict: 'pending', waitSeconds };
}
