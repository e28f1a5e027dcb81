import { readFleet } from '../../control/fleet.ts';
import { listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { bar, counted, formatDuration, formatShare, table } from '../text.ts';
import { type Health, judgeHealth, type ZoneView, zonesOf } from './health.ts';
import { blockedBy, type JobView, subjectOf, viewJobs } from './job-view.ts';
import { viewNodes } from './node-view.ts';

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
}

export const showStatus = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const status = await readStatus(ports);
    const exitCode = status.health.state === 'degraded' ? exitCodes.blocked : exitCodes.ok;
    return { document: status, text: () => renderStatus(status), exitCode };
  });

export async function readStatus(ports: Ports): Promise<Status> {
  const [fleet, allJobs] = await Promise.all([readFleet(ports.tables), listJobs(ports.tables)]);
  const now = ports.now();
  const jobs = await viewJobs(
    ports.tables,
    allJobs.filter(({ state }) => state === 'running'),
    now,
  );
  const nodes = viewNodes(fleet, now);
  const zones = zonesOf(nodes);
  const sum = (of: (node: (typeof nodes)[number]) => number) =>
    nodes.reduce((total, node) => total + of(node), 0);
  const latencies = nodes.flatMap(({ p99Ms }) => (p99Ms === null ? [] : [p99Ms]));
  return {
    health: judgeHealth(nodes, zones, jobs, ports.policy),
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
  };
}

function countByState(nodes: readonly { readonly state: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of nodes) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

const barWidth = 24;

export function renderStatus(status: Status): string {
  const { health, rates } = status;
  const states = Object.entries(status.nodesByState).map(([state, count]) => `${count} ${state}`);
  return [
    `health    ${health.state.toUpperCase()}`,
    ...health.reasons.map((reason) => `          ${reason}`),
    `nodes     ${counted(status.nodes, 'node')}${states.length > 0 ? `: ${states.join(', ')}` : ''}`,
    `capacity  ${formatBytes(status.usedBytes)} of ${formatBytes(status.capacityBytes)} used`,
    `clients   in ${rate(rates.clientsIn)}, out ${rate(rates.clientsOut)}, ${counted(status.connections, 'connection')}, p99 ${status.p99Ms === null ? '-' : `${Math.round(status.p99Ms)} ms`}`,
    `moves     ${rate(rates.moves)}`,
    ...(status.zones.length > 0 ? ['', zoneTable(status.zones)] : []),
    '',
    ...(status.jobs.length > 0 ? status.jobs.map(jobLine) : ['No jobs run.']),
  ].join('\n');
}

const rate = (bytesPerSecond: number): string => `${formatBytes(Math.round(bytesPerSecond))}/s`;

const zoneTable = (zones: readonly ZoneView[]): string =>
  table(
    ['ZONE', 'ACTIVE', 'NODES', 'USED', 'CAPACITY', 'FILL'],
    zones.map((zone) => [
      zone.zone,
      zone.nodesActive,
      zone.nodes,
      formatBytes(zone.usedBytes),
      formatBytes(zone.capacityBytes),
      formatShare(zone.fill),
    ]),
  );

function jobLine(job: JobView): string {
  const share = job.bytesPlanned > 0 ? job.bytesDone / job.bytesPlanned : 0;
  const time = job.secondsLeft === null ? '' : `  ${formatDuration(job.secondsLeft * 1_000)} left`;
  const held = blockedBy(job) === '-' ? '' : `  blocked by: ${blockedBy(job)}`;
  return (
    `${job.kind} of ${subjectOf(job)}  ${bar(share, barWidth)} ${formatBytes(job.bytesDone)} of ` +
    `${formatBytes(job.bytesPlanned)}  ${rate(job.bytesPerSecond)}${time}  ${job.phase}${held}  ${job.id}`
  );
}
