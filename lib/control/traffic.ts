import {
  FlightRecord,
  HoldRecord,
  JobRecord,
  PaceRecord,
  PendingRecord,
} from '../contract/job-records.ts';
import {
  batchOfKey,
  batchPartition,
  flightPartition,
  flightPrefix,
  holdPrefix,
  jobOfKey,
  jobPartition,
  paceKey,
  pendingPrefixOf,
  zoneOfHold,
} from '../contract/keys.ts';
import type { BatchId, NodeId, Zone } from '../core/ids.ts';
import { nodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { isInPlace } from '../core/plan.ts';
import type { Batch, Flight, Urgency } from '../core/schedule.ts';
import { bytes, bytesPerSecond, epochMillis } from '../core/units.ts';
import { urgencyUnder } from '../core/urgency.ts';
import { type NodeView, readNodes } from './fleet.ts';
import type { Job } from './jobs.ts';
import { queryAll } from './pages.ts';
import type { Item, Ports, Tables } from './ports.ts';

export interface Pending extends PendingRecord {
  readonly job: Job;
  readonly batch: BatchId;
}
export interface Flying extends FlightRecord {
  readonly batch: BatchId;
}
export interface Hold extends HoldRecord {
  /** `undefined`: everything. */
  readonly zone: Zone | undefined;
}

/** What waits, flies and is held, as one pacing sees it. */
export interface Traffic {
  readonly paced: PaceRecord;
  /** Jobs that run and have a plan. */
  readonly running: readonly Job[];
  readonly pending: readonly Pending[];
  readonly flying: readonly Flying[];
  /** Read only where their zones or states matter. */
  readonly nodes: ReadonlyMap<NodeId, NodeView> | undefined;
  readonly holds: readonly Hold[];
}

/** What flies, what is held, and when each job's batches were sent last. */
export type Underway = Pick<Traffic, 'paced' | 'flying' | 'holds'>;

/** One query. */
export async function readUnderway(tables: Tables): Promise<Underway> {
  const items = await queryAll(tables, 'placement', flightPartition);
  const paced = items.find(({ sk }) => sk === paceKey.sk);
  return {
    paced: PaceRecord.parse(paced ?? { generation: 0 }),
    flying: withPrefix(items, flightPrefix).map((item) => ({
      ...FlightRecord.parse(item),
      batch: batchOfKey(item.sk),
    })),
    holds: withPrefix(items, holdPrefix).map((item) => ({
      ...HoldRecord.parse(item),
      zone: zoneOfHold(item.sk),
    })),
  };
}

/**
 * What waits, too: one query of the jobs, one for each that runs, and one of the fleet where nodes' zones or states
 * matter.
 */
export async function readTraffic(ports: Ports, underway: Underway): Promise<Traffic> {
  const jobs = await queryAll(ports.tables, 'placement', jobPartition);
  const running = jobs
    .map((item): Job => ({ ...JobRecord.parse(item), id: jobOfKey(item.sk) }))
    .filter(({ state, attempt }) => state === 'running' && attempt !== '');
  const pending = (await Promise.all(running.map((job) => pendingOf(ports.tables, job)))).flat();
  const nodes = doNodesMatter(ports, { pending, ...underway })
    ? await readNodes(ports.tables)
    : undefined;
  return {
    ...underway,
    ...{ running, pending },
    nodes: nodes && new Map(nodes.map((node) => [node.id, node])),
  };
}

/**
 * Of one job's batches that wait, those of the round that is under way: nothing of an earlier one waits or flies.
 * Batches of later rounds move other slots of the same chunks.
 */
export function inRound(
  pending: readonly Pending[],
  flying: readonly Pick<Flying, 'round'>[],
): readonly Pending[] {
  const rounds = [...pending, ...flying].map(({ round }) => round);
  const now = rounds.reduce((least, round) => Math.min(least, round), Number.POSITIVE_INFINITY);
  return pending.filter(({ round }) => round === now);
}

/** A zone is held or limited; or what is repaired may have a source that is dead. */
export function doNodesMatter(
  { policy }: Ports,
  { pending, flying, holds }: Pick<Traffic, 'pending' | 'flying' | 'holds'>,
): boolean {
  const { zonePairRateBytes, zonePairBatchesMax, zonePairMovesMax } = policy;
  const isCritical = ({ urgency }: { readonly urgency: Urgency }) => urgency === 'critical';
  return (
    zonePairRateBytes + zonePairBatchesMax + zonePairMovesMax > 0 ||
    holds.some(({ zone }) => zone !== undefined) ||
    pending.some(isCritical) ||
    flying.some(isCritical)
  );
}

const withPrefix = (items: readonly Item[], prefix: string): readonly Item[] =>
  items.filter(({ sk }) => sk.startsWith(prefix));

/** Only batches of the plan that the job names: those of a plan that was never finished do not count. */
export async function pendingOf(tables: Tables, job: Job): Promise<readonly Pending[]> {
  const prefix = pendingPrefixOf(job.attempt);
  const items = await queryAll(tables, 'placement', batchPartition(job.id), prefix);
  return items.map((item) => ({ ...PendingRecord.parse(item), job, batch: batchOfKey(item.sk) }));
}

type Held = Pick<Traffic, 'nodes' | 'holds'>;

/** What keeps it from being sent, besides pauses of its own and of its job. */
export function holdsOn({ nodes, holds }: Held, pending: Pending): readonly Hold[] {
  const zones = [pending.from, pending.to].map((id) => nodes?.get(nodeId(id))?.zone);
  return holds.filter(
    ({ zone }) => zone === undefined || (isPlanned(pending) && zones.includes(zone)),
  );
}

/** Since when it may not be sent, epoch milliseconds; `undefined` if it may. */
export function heldSince(held: Held, pending: Pending): number | undefined {
  const since = holdsOn(held, pending).map((hold) => hold.since);
  if (pending.job.paused) since.push(pending.job.pausedAt);
  if (pending.paused) since.push(pending.plannedAt);
  return since.length === 0 ? undefined : Math.min(...since);
}

/** A repair does not wait for a zone that is ill, nor does what has a deadline. */
const isPlanned = (pending: Pending): boolean => ['normal', 'low'].includes(urgencyNow(pending));

/** As urgent as its job is now. */
export const urgencyNow = ({ urgency, job }: Pending): Urgency =>
  urgencyUnder(urgency, job.deadline);

export function batchOf({ nodes }: Pick<Traffic, 'nodes'>, pending: Pending): Batch {
  const { job } = pending;
  return {
    id: pending.batch,
    job: job.id,
    urgency: urgencyNow(pending),
    moves: pending.moves,
    bytes: bytes(pending.bytes),
    priority: job.priority,
    heat: pending.heat,
    isLeaving: job.kind === 'drain' || job.kind === 'scale-in',
    ...(job.deadline > 0 && { deadline: epochMillis(job.deadline) }),
    ...endsOf(nodes, pending),
  };
}

export const flightOf = ({ nodes }: Pick<Traffic, 'nodes'>, flying: Flying): Flight => ({
  rate: bytesPerSecond(flying.rate),
  moves: flying.moves,
  isCritical: flying.urgency === 'critical',
  ...endsOf(nodes, flying),
});

function endsOf(
  nodes: Traffic['nodes'],
  { from, to }: { readonly from: string; readonly to: string },
): Pick<Batch, 'from' | 'to' | 'zones' | 'isLost'> {
  const source = nodes?.get(nodeId(from));
  const target = nodes?.get(nodeId(to));
  return {
    from: nodeId(from),
    to: nodeId(to),
    isLost:
      isInPlace({ from, to }) ||
      (nodes !== undefined && (source === undefined || !servesReads(source.state))),
    ...(source !== undefined && target !== undefined && { zones: [source.zone, target.zone] }),
  };
}
