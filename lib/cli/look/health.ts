import type { Policy } from '../../contract/policy.ts';
import { byCodeUnit } from '../../core/ids.ts';
import { formatBytes } from '../../core/units.ts';
import { counted, formatDuration, formatShare } from '../text.ts';
import type { JobView } from './job-view.ts';
import type { NodeInView } from './node-view.ts';

export interface ZoneView {
  readonly zone: string;
  readonly nodes: number;
  readonly nodesActive: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly fill: number;
}

export interface Health {
  readonly state: 'ok' | 'degraded' | 'empty';
  /** Each a sentence with its numbers. */
  readonly reasons: readonly string[];
}

export function zonesOf(nodes: readonly NodeInView[]): readonly ZoneView[] {
  const names = [...new Set(nodes.map(({ zone }) => zone))].sort(byCodeUnit);
  return names.map((zone) => {
    const inside = nodes.filter((node) => node.zone === zone);
    const active = inside.filter(({ state }) => state === 'active');
    const capacityBytes = active.reduce((sum, node) => sum + node.capacityBytes, 0);
    const usedBytes = active.reduce((sum, node) => sum + node.usedBytes, 0);
    const fill = capacityBytes > 0 ? usedBytes / capacityBytes : 0;
    return {
      zone,
      nodes: inside.length,
      nodesActive: active.length,
      capacityBytes,
      usedBytes,
      fill,
    };
  });
}

/** Degraded is what may cost redundancy or stop writes, or waits for an operator; work that gets on is not. */
export function judgeHealth(
  nodes: readonly NodeInView[],
  zones: readonly ZoneView[],
  jobs: readonly JobView[],
  policy: Pick<Policy, 'deadAfterMs' | 'fillHard'>,
): Health {
  if (nodes.length === 0) return { state: 'empty', reasons: ['The fleet has no nodes.'] };
  const reasons = [
    ...nodes.flatMap((node) => nodeReasons(node, policy.deadAfterMs)),
    ...zones.flatMap((zone) => zoneReasons(zone, policy.fillHard)),
    ...jobs
      .filter(({ phase, state }) => state === 'running' && phase === 'blocked')
      .map((job) => `Job ${job.id} (${job.kind}) is blocked: ${job.reasons.join('; ')}.`),
  ];
  return { state: reasons.length > 0 ? 'degraded' : 'ok', reasons };
}

function nodeReasons(node: NodeInView, deadAfterMs: number): readonly string[] {
  const name = `Node ${node.node} in zone ${node.zone}`;
  if (node.state === 'dead') return [`${name} is dead: what it held is being repaired.`];
  const age = node.heartbeatAgeMs;
  const serves = ['active', 'draining', 'drained'].includes(node.state);
  const silent = serves && age !== null && age > deadAfterMs / 2;
  return [
    ...(node.diskSuspect ? [`${name} reports a suspect disk.`] : []),
    ...(node.damaged > 0
      ? [`${name} has ${counted(node.damaged, 'damaged slot')} on its disk.`]
      : []),
    ...(silent
      ? [
          `${name} has been silent for ${formatDuration(age)}; it counts as dead after ${formatDuration(deadAfterMs)}.`,
        ]
      : []),
  ];
}

function zoneReasons(zone: ZoneView, fillHard: number): readonly string[] {
  if (zone.nodesActive === 0) return [`Zone ${zone.zone} has no active node.`];
  if (zone.fill < fillHard) return [];
  return [
    `Zone ${zone.zone} is full: ${formatBytes(zone.usedBytes)} of ${formatBytes(zone.capacityBytes)} (${formatShare(zone.fill)}; writes stop at ${formatShare(fillHard)}).`,
  ];
}
