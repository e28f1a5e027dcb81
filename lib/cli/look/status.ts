import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { bar, counted, formatDuration, formatShare, table } from '../text.ts';
import type { ZoneView } from './health.ts';
import type { JobView } from './job-view.ts';
import { blockedBy, dueWords, isStuck, stuckLine, subjectOf, utcClock } from './job-words.ts';
import { readOverview, type Status } from './overview.ts';
import type { ScalingView } from './scaling-view.ts';

export const showStatus = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const { status } = await readOverview(ports);
    const exitCode = status.health.state === 'degraded' ? exitCodes.blocked : exitCodes.ok;
    return { document: status, text: () => renderStatus(status), exitCode };
  });

const barWidth = 24;

export function renderStatus(status: Status): string {
  const { health, rates, capacityBytes, usedBytes } = status;
  const states = Object.entries(status.nodesByState).map(([state, count]) => `${count} ${state}`);
  const fill = capacityBytes > 0 ? usedBytes / capacityBytes : 0;
  return [
    `health    ${health.state.toUpperCase()}`,
    ...health.reasons.map((reason) => `          ${reason}`),
    `nodes     ${counted(status.nodes, 'node')}${states.length > 0 ? `: ${states.join(', ')}` : ''}`,
    `capacity  ${bar(fill, barWidth)} ${formatBytes(usedBytes)} of ${formatBytes(capacityBytes)} used (${formatShare(fill)})`,
    `clients   in ${rate(rates.clientsIn)}, out ${rate(rates.clientsOut)}, ${counted(status.connections, 'connection')}, p99 ${status.p99Ms === null ? '-' : `${Math.round(status.p99Ms)} ms`}`,
    `moves     ${rate(rates.moves)}`,
    ...(status.scaling === null ? [] : [scalingLine(status.scaling)]),
    ...(status.zones.length > 0 ? ['', zoneTable(status.zones)] : []),
    '',
    ...(status.jobs.length > 0 ? status.jobs.flatMap(jobLines) : ['No jobs run.']),
  ].join('\n');
}

const rate = (bytesPerSecond: number): string => `${formatBytes(Math.round(bytesPerSecond))}/s`;

const scalingLine = ({ decision, ageMs, reasons }: ScalingView): string =>
  `scaling   ${decision}, ${formatDuration(ageMs)} ago: ${reasons.join('; ')}`;

const zoneBarWidth = 16;

const zoneTable = (zones: readonly ZoneView[]): string =>
  table(
    ['ZONE', 'ACTIVE', 'NODES', 'USED', 'CAPACITY', 'FILL', ''],
    zones.map((zone) => [
      zone.zone,
      zone.nodesActive,
      zone.nodes,
      formatBytes(zone.usedBytes),
      formatBytes(zone.capacityBytes),
      formatShare(zone.fill),
      bar(zone.fill, zoneBarWidth),
    ]),
  );

function jobLines(job: JobView): readonly string[] {
  const due = dueWords(job, utcClock);
  return [
    jobLine(job),
    ...(due === '' ? [] : [`  ${due}`]),
    ...(isStuck(job) ? [`  ${stuckLine(job)}`] : []),
  ];
}

function jobLine(job: JobView): string {
  const share = job.bytesPlanned > 0 ? job.bytesDone / job.bytesPlanned : 0;
  const time = job.secondsLeft === null ? '' : `  ${formatDuration(job.secondsLeft * 1_000)} left`;
  const held = blockedBy(job) === '-' || isStuck(job) ? '' : `  blocked by: ${blockedBy(job)}`;
  return (
    `${job.kind} of ${subjectOf(job)}  ${bar(share, barWidth)} ${formatBytes(job.bytesDone)} of ` +
    `${formatBytes(job.bytesPlanned)}  ${rate(job.bytesPerSecondRecent)}${time}  ${job.phase}${held}  ${job.id}`
  );
}
