import { readFleet } from '../../control/fleet.ts';
import { listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted, formatDuration, formatShare, table } from '../text.ts';
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
    'SCRUB',
    'BEAT',
    ...(nodes.some(({ leaving }) => leaving !== null) ? leavingHeads : []),
  ];
  const rows = nodes.map((node) => [
    node.node,
    node.zone,
    node.class,
    stateCell(node),
    formatBytes(node.usedBytes),
    formatBytes(node.capacityBytes),
    formatShare(node.fill),
    node.chunks,
    node.connections,
    node.p99Ms === null ? '-' : `${Math.round(node.p99Ms)} ms`,
    `${formatBytes(Math.round(node.backgroundIn))}/s`,
    `${formatBytes(Math.round(node.backgroundOut))}/s`,
    scrubCell(node),
    node.heartbeatAgeMs === null ? 'never' : `${formatDuration(node.heartbeatAgeMs)} ago`,
    ...leavingCells(node),
  ]);
  return table(
    heads,
    rows.map((row) => row.slice(0, heads.length)),
  );
}

function stateCell({ state, diskSuspect, damaged }: NodeInView): string {
  const flaws = [
    ...(diskSuspect ? ['disk suspect'] : []),
    ...(damaged > 0 ? [counted(damaged, 'damaged slot')] : []),
  ];
  return flaws.length > 0 ? `${state} (${flaws.join(', ')})` : state;
}

const dayMs = 86_400_000;

/** How far this pass is; between two, since when all was read. */
function scrubCell({ scrubShare, scrubAgeMs }: NodeInView): string {
  if (scrubShare < 1 || scrubAgeMs === null) return formatShare(scrubShare);
  return scrubAgeMs < 2 * dayMs
    ? `${formatDuration(scrubAgeMs)} ago`
    : `${Math.floor(scrubAgeMs / dayMs)} d ago`;
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
