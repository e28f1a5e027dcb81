import { type NodeWithBeat, readFleet } from '../../control/fleet.ts';
import { listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { readUnderway } from '../../control/traffic.ts';
import type { Health } from './health.ts';
import { judgeHealth, type ZoneView, zonesOf } from './health.ts';
import { type JobView, viewJobsAmong } from './job-view.ts';
import { type BatchView, viewBatches } from './moves.ts';
import { type NodeInView, viewNodes } from './node-view.ts';
import { readScaling, type ScalingView } from './scaling-view.ts';

export interface Status {
  readonly health: Health;
  readonly nodes: number;
  readonly nodesByState: Readonly<Record<string, number>>;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly zones: readonly ZoneView[];
  /** Bytes a second over the fleet. */
  readonly rates: {
    readonly clientsIn: number;
    readonly clientsOut: number;
    readonly moves: number;
  };
  readonly connections: number;
  /** Of the slowest node; null while nobody asks for anything. */
  readonly p99Ms: number | null;
  /** Those that run. */
  readonly jobs: readonly JobView[];
  readonly scaling: ScalingView | null;
}

/** Everything that is seen at a glance, as of one reading. */
export interface Overview {
  readonly status: Status;
  readonly nodes: readonly NodeInView[];
  /** Those that ended last, newest first. */
  readonly ended: readonly JobView[];
  readonly batches: readonly BatchView[];
}

/** Jobs that ended and are still shown. */
const endedShownMax = 12;

/** Reads five partitions and the heartbeats; nothing that grows with chunks or files. */
export async function readOverview(ports: Ports): Promise<Overview> {
  const { tables } = ports;
  const now = ports.now();
  const [fleet, jobs, underway, scaling] = await Promise.all([
    readFleet(tables),
    listJobs(tables),
    readUnderway(tables),
    readScaling(tables, now),
  ]);
  const running = jobs.filter(({ state }) => state === 'running');
  const over = jobs.filter(({ state }) => state !== 'running').slice(-endedShownMax);
  const around = { ...underway, nodes: new Map(fleet.map((node) => [node.id, node])) };
  const views = await viewJobsAmong(tables, running, around, now);
  return {
    status: statusOf(ports, fleet, views, scaling),
    nodes: viewNodes(fleet, now, views),
    ended: await viewJobsAmong(tables, over.toReversed(), around, now),
    batches: viewBatches(underway.flying, now),
  };
}

function statusOf(
  { policy, now }: Ports,
  fleet: readonly NodeWithBeat[],
  jobs: readonly JobView[],
  scaling: ScalingView | null,
): Status {
  const nodes = viewNodes(fleet, now());
  const zones = zonesOf(nodes);
  const sum = (of: (node: NodeInView) => number) =>
    nodes.reduce((total, node) => total + of(node), 0);
  const latencies = nodes.flatMap(({ p99Ms }) => (p99Ms === null ? [] : [p99Ms]));
  return {
    health: judgeHealth(nodes, zones, jobs, policy),
    nodes: nodes.length,
    nodesByState: countByState(nodes),
    capacityBytes: zones.reduce((total, zone) => total + zone.capacityBytes, 0),
    usedBytes: zones.reduce((total, zone) => total + zone.usedBytes, 0),
    zones,
    rates: {
      clientsIn: sum(({ foregroundIn }) => foregroundIn),
      clientsOut: sum(({ foregroundOut }) => foregroundOut),
      moves: sum(({ backgroundIn }) => backgroundIn),
    },
    connections: sum(({ connections }) => connections),
    p99Ms: latencies.length > 0 ? Math.max(...latencies) : null,
    jobs,
    scaling,
  };
}

function countByState(nodes: readonly NodeInView[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of nodes) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
