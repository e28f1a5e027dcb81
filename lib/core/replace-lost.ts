/** Whether nodes that are lost are replaced. */
import {
  cooldown,
  counts,
  type ScaleDecision,
  type ScaleHistory,
  type ScaleNode,
  type ScalePolicy,
} from './decide-scale.ts';
import { byCodeUnit, type Zone } from './ids.ts';
import type { ScaleReason } from './scale-reason.ts';
import type { EpochMillis } from './units.ts';

/**
 * A node for each that died, is being taken away or has a failed disk, in its zone, as long as fewer than the fewest are left. It does not
 * wait for the repair, which may wait for it: three copies need three nodes. What an operator drains is not replaced.
 *
 * @returns undefined where nothing is lost, or enough are left
 */
export function replaceLost(
  nodes: readonly ScaleNode[],
  { nodesMin, nodesMax, nodesStepMax, cooldownOutMs }: ScalePolicy,
  { lastScaleOut }: ScaleHistory,
  now: EpochMillis,
): ScaleDecision | undefined {
  const gone = nodes.filter(({ state, isLost = false }) => state === 'dead' || isLost);
  const present = nodes.filter((node) => counts(node) && node.isLost !== true).length;
  const wanted = Math.min(gone.length, nodesMin - present, nodesMax - present, nodesStepMax);
  if (wanted <= 0) return undefined;
  const lost: ScaleReason = { kind: 'nodes-lost', lost: gone.length, left: present, nodesMin };
  const cooling = cooldown(lastScaleOut, cooldownOutMs, now);
  if (cooling !== undefined) return { kind: 'hold', reasons: [lost, cooling] };
  const zones: Record<Zone, number> = {};
  const replaced = gone.toSorted((left, right) => byCodeUnit(left.id, right.id)).slice(0, wanted);
  for (const { zone } of replaced) zones[zone] = (zones[zone] ?? 0) + 1;
  return { kind: 'scale-out', zones, type: '', reasons: [lost] };
}
