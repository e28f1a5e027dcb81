import { readFleet } from '../../control/fleet.ts';
import { listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { formatDuration, formatShare, table } from '../text.ts';
import { type JobView, viewJobs } from './job-view.ts';
import { type NodeInView, viewNodes } from './node-view.ts';

export const showNodes = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const fleet = await readFleet(ports.tables);
    const isLeaving = fleet.some(({ state }) => state === 'draining');
    const jobs = isLeaving ? await readRunning(ports) : [];
    const nodes = viewNodes(fleet, ports.now(), jobs);
    return { document: { nodes }, text: () => nodeTable(nodes) };
  });

async function readRunning({ tables, now }: Ports): Promise<readonly JobView[]> {
  const running = (await listJobs(tables)).filter(({ state }) => state === 'running');
  return viewJobs(tables, running, now());
}

const leavingHeads = ['BYTES_LEFT', 'RATE', 'ETA', 'BLOCKED_BY'];

/** Four more columns while a node leaves. */
export function nodeTable(nodes: readonly NodeInView[]): string {
  if (nodes.length === 0) return 'No nodes.';
  const heads = [
    'NODE',
    'ZONE',
    'CLASS',
    'STATE',
    'USED',
    'CAPACITY',
    'FILL',
    'CHUNKS',
    'CONNS',
    'P99',
    'MOVES_IN',
    'MOVES_OUT',
    'BEAT',
    ...(nodes.some(({ leaving }) => leaving !== null) ? leavingHeads : []),
  ];
  const rows = nodes.map((node) => [
    node.node,
    node.zone,
    node.class,
    node.diskSuspect ? `${node.state} (disk suspect)` : node.state,
    formatBytes(node.usedBytes),
    formatBytes(node.capacityBytes),
    formatShare(node.fill),
    node.chunks,
    node.connections,
    node.p99Ms === null ? '-' : `${Math.round(node.p99Ms)} ms`,
    `${formatBytes(Math.round(node.backgroundIn))}/s`,
    `${formatBytes(Math.round(node.backgroundOut))}/s`,
    node.heartbeatAgeMs === null ? 'never' : `${formatDuration(node.heartbeatAgeMs)} ago`,
    ...leavingCells(node),
  ]);
  return table(
    heads,
    rows.map((row) => row.slice(0, heads.length)),
  );
}

function leavingCells({ leaving }: NodeInView): readonly string[] {
  if (leaving === null) return leavingHeads.map(() => '-');
  const { bytesLeft, bytesPerSecond, secondsLeft, blockedBy } = leaving;
  return [
    formatBytes(bytesLeft),
    `${formatBytes(bytesPerSecond)}/s`,
    secondsLeft === null ? '-' : formatDuration(secondsLeft * 1_000),
    blockedBy.join('; ') || '-',
  ];
}
