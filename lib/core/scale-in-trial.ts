import { Draft } from './draft.ts';
import { planDrain } from './drain.ts';
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { takesCopies } from './lifecycle.ts';
import type { Plan } from './plan.ts';
import type { DrainCost, ScaleInTrial } from './scale-in.ts';
import type { ScaleReason } from './scale-reason.ts';
import { judgeZoneOfRepair } from './spread.ts';

export interface TrialPolicy {
  readonly fillHigh: number;
  readonly fillHard: number;
}

/**
 * Tries a drain on the placement: it must have no block, leave every node below the high mark, and leave
 * so much room that, with the largest zone lost, what the zone rule lets the others rebuild fits below
 * the hard limit. The map must have every chunk of the fleet.
 */
export const trialOn =
  (fleet: FleetMap, policy: TrialPolicy): ScaleInTrial =>
  (leaving) => {
    const plan = planDrain(fleet, [leaving], { fillHard: policy.fillHard, job: 'scale-in' });
    const blocked = plan.blocks.map(
      (block): ScaleReason => ({ kind: 'drain-blocked', node: leaving, block }),
    );
    const cost = costOf(fleet, plan);
    if (blocked.length > 0) return { reasons: blocked, ...cost };
    const used = fleet.occupied.slice();
    for (const { from, to, bytes } of plan.moves) {
      used[fleet.nodeIndex.get(from)!]! -= bytes;
      used[fleet.nodeIndex.get(to)!]! += bytes;
    }
    const stay = [...fleet.nodes.keys()].filter(
      (node) => takesCopies(fleet.nodes[node]!.state) && fleet.nodes[node]!.id !== leaving,
    );
    const reasons = [
      ...tooFull(fleet, stay, used, leaving, policy),
      ...zoneLoss(fleet, stay, used, leaving, policy),
    ];
    return { reasons, ...cost };
  };

function costOf({ nodeIndex, zoneOfNode }: FleetMap, { moves, bytesTotal }: Plan): DrainCost {
  const zoneOf = (node: NodeId) => zoneOfNode[nodeIndex.get(node)!];
  const crossZoneBytes = moves
    .filter(({ from, to }) => zoneOf(from) !== zoneOf(to))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  return { bytesMoved: bytesTotal, crossZoneBytes, moves: moves.length };
}

function tooFull(
  { nodes }: FleetMap,
  stay: readonly number[],
  used: Float64Array,
  leaving: NodeId,
  { fillHigh }: TrialPolicy,
): ScaleReason[] {
  const fillOf = (node: number) => used[node]! / nodes[node]!.capacity;
  const [fullest] = [...stay].sort((left, right) => fillOf(right) - fillOf(left));
  if (fullest === undefined || fillOf(fullest) < fillHigh) return [];
  const node = nodes[fullest]!.id;
  return [{ kind: 'node-would-be-full', leaving, node, fill: fillOf(fullest), fillHigh }];
}

function zoneLoss(
  fleet: FleetMap,
  stay: readonly number[],
  used: Float64Array,
  leaving: NodeId,
  { fillHard }: TrialPolicy,
): ScaleReason[] {
  const held = new Float64Array(fleet.zones.length);
  for (const node of stay) held[fleet.zoneOfNode[node]!]! += used[node]!;
  const largest = held.indexOf(Math.max(...held));
  const neededBytes = rebuildableBytes(fleet, largest);
  const roomBytes = stay
    .filter((node) => fleet.zoneOfNode[node] !== largest)
    .reduce(
      (sum, node) => sum + Math.max(0, fleet.nodes[node]!.capacity * fillHard - used[node]!),
      0,
    );
  if (neededBytes <= roomBytes) return [];
  const zone = fleet.zones[largest]!;
  return [{ kind: 'zone-loss-would-not-fit', leaving, zone, neededBytes, roomBytes }];
}

/** Bytes of the zone's slots that some other zone could take without crowding. */
function rebuildableBytes(fleet: FleetMap, zone: number): number {
  const lost = [...fleet.nodes.keys()].filter((node) => fleet.zoneOfNode[node] === zone);
  const draft = new Draft(fleet, 1, { lost });
  const others = [...fleet.zones.keys()].filter((other) => other !== zone);
  let sum = 0;
  for (const [slot, holder] of fleet.holders.entries()) {
    if (holder < 0 || fleet.zoneOfNode[holder] !== zone) continue;
    if (others.some((other) => judgeZoneOfRepair(draft, slot, other) === 'good')) {
      sum += draft.bytesOf(slot);
    }
  }
  return sum;
}
