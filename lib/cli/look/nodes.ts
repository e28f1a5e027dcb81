import { readFleet } from '../../control/fleet.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { formatDuration, formatShare, table } from '../text.ts';
import { type NodeInView, viewNodes } from './node-view.ts';

export const showNodes = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const nodes = viewNodes(await readFleet(ports.tables), ports.now());
    return { document: { nodes }, text: () => nodeTable(nodes) };
  });

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
  ]);
  return table(heads, rows);
}
