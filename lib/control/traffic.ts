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
import {
  FlightRecord,
  HoldRecord,
  JobRecord,
  PaceRecord,
  PendingRecord,
} from '../contract/records.ts';
import type { BatchId, NodeId, Zone } from '../core/ids.ts';
import { nodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import type { Batch, Flight, Urgency } from '../core/schedule.ts';
import { bytes, bytesPerSecond, epochMillis } from '../core/units.ts';
import { urgencyUnder } from '../core/urgency-under.ts';
import { type NodeView, readNodes } from './fleet.ts';
import type { Job } from './jobs.ts';
import { queryAll } from './pages.ts';
import type { Item, Ports } from './ports.ts';

export interface Pending extends PendingRecord {
  readonly job: Job;
  readonly batch: BatchId;
}
export interface Flying extends FlightRecord {
  readonly batch: BatchId;
}
interface Hold extends HoldRecord {
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

/** Two queries, one for each running job, and one of the fleet where nodes' zones or states matter. */
export async function readTraffic(ports: Ports): Promise<Traffic> {
  const [flights, jobs] = await Promise.all([
    queryAll(ports.tables, 'placement', flightPartition),
    queryAll(ports.tables, 'placement', jobPartition),
  ]);
  const running = jobs
    .map((item): Job => ({ ...JobRecord.parse(item), id: jobOfKey(item.sk) }))
    .filter(({ state, attempt }) => state === 'running' && attempt !== '');
  const pending = (await Promise.all(running.map((job) => pendingOf(ports, job)))).flat();
  const flying = withPrefix(flights, flightPrefix).map((item) => ({
    ...FlightRecord.parse(item),
    batch: batchOfKey(item.sk),
  }));
  const holds = withPrefix(flights, holdPrefix).map((item) => ({
    ...HoldRecord.parse(item),
    zone: zoneOfHold(item.sk),
  }));
  const paced = flights.find(({ sk }) => sk === paceKey.sk);
  const nodes = doNodesMatter(ports, { pending, flying, holds })
    ? await readNodes(ports.tables)
    : undefined;
  return {
    paced: PaceRecord.parse(paced ?? { generation: 0 }),
    ...{ running, pending, flying, holds },
    nodes: nodes && new Map(nodes.map((node) => [node.id, node])),
  };
}

/** A zone is held or limited; or what is repaired may have a source that is dead. */
function doNodesMatter(
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
async function pendingOf(ports: Ports, job: Job): Promise<readonly Pending[]> {
  const prefix = pendingPrefixOf(job.attempt);
  const items = await queryAll(ports.tables, 'placement', batchPartition(job.id), prefix);
  return items.map((item) => ({ ...PendingRecord.parse(item), job, batch: batchOfKey(item.sk) }));
}

/** Since when it may not be sent, epoch milliseconds; `undefined` if it may. */
export function heldSince({ nodes, holds }: Traffic, pending: Pending): number | undefined {
  const zones = [pending.from, pending.to].map((id) => nodes?.get(nodeId(id))?.zone);
  const since = holds
    .filter(({ zone }) => zone === undefined || (isPlanned(pending) && zones.includes(zone)))
    .map((hold) => hold.since);
  if (pending.job.paused) since.push(pending.job.pausedAt);
  if (pending.paused) since.push(pending.plannedAt);
  return since.length === 0 ? undefined : Math.min(...since);
}

/** A repair does not wait for a zone that is ill, nor does what has a deadline. */
const isPlanned = (pending: Pending): boolean => ['normal', 'low'].includes(urgencyNow(pending));

/** As urgent as its job is now. */
export const urgencyNow = ({ urgency, job }: Pending): Urgency =>
  urgencyUnder(urgency, job.deadline);

export function batchOf({ nodes }: Traffic, pending: Pending): Batch {
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

export const flightOf = ({ nodes }: Traffic, flying: Flying): Flight => ({
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
    isLost: nodes !== undefined && (source === undefined || !servesReads(source.state)),
    ...(source !== undefined && target !== undefined && { zones: [source.zone, target.zone] }),
  };
}
