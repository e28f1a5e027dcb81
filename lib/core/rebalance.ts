import { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { levelZone, type ZoneTargets } from './level-zone.ts';
import { levelZones } from './level-zones.ts';
import { fillHardMax, rebalanceBandDefault } from './limits.ts';
import type { JobKind, Move, Plan } from './plan.ts';
import { type SlotsByNode, slotsByNode, slotsOf } from './slots-by-node.ts';
import { metadataByNode, zoneLevels } from './target.ts';
import { bytes } from './units.ts';

export interface RebalancePolicy {
  /** Half-width of the band, as a share of the mean fill: inside it nothing moves. @default 0.005 */
  readonly rebalanceBand?: number;
  /** Share of a node's capacity that a plan may fill. @default 0.95 */
  readonly fillHard?: number;
  /** What the plan says it is for. */
  readonly job?: JobKind;
}

/**
 * Levels the fleet within each zone: where a node is outside the band (and off by more than one slot),
 * the zone's nodes are brought to the mean, each giving or taking only what it is off by. An empty node
 * has just joined and is filled.
 */
export function planRebalance(fleet: FleetMap, policy: RebalancePolicy = {}): Plan {
  const band = policy.rebalanceBand ?? rebalanceBandDefault;
  const fillHard = policy.fillHard ?? fillHardMax;
  const draft = new Draft(fleet, fillHard);
  const index = slotsByNode(fleet);
  const crossed = levelZones(draft, index, band);
  const metadata = metadataByNode(fleet, draft.holders);
  for (const zone of fleet.zones.keys()) {
    const targets = targetsOf(draft, zone, metadata, fillHard);
    const largest = largestSlot(draft, index, targets.members);
    if (crossed === 0 && !isOutside(draft, targets, band, largest)) continue;
    if (targets.members.length > 0) levelZone(draft, index, targets);
  }
  return {
    job: policy.job ?? 'rebalance',
    moves: draft.moves,
    bytesTotal: bytes(draft.bytesTotal),
    bytesMinimum: bytes(netInflow(draft.moves)),
    blocks: [],
  };
}

function targetsOf(
  draft: Draft,
  zone: number,
  metadata: Float64Array,
  fillHard: number,
): ZoneTargets {
  const { fleet } = draft;
  const members = [...fleet.nodes.keys()].filter(
    (node) => fleet.zoneOfNode[node] === zone && draft.isOpen(node),
  );
  const levels = zoneLevels(fleet, members, draft.used, metadata);
  const target = new Float64Array(fleet.nodes.length);
  for (const node of members) {
    const { capacity, class: nodeClass } = fleet.nodes[node]!;
    target[node] = Math.min(levels[nodeClass], fillHard) * capacity;
  }
  return { members, target, metadata };
}

const isOutside = (
  draft: Draft,
  { members, target }: ZoneTargets,
  band: number,
  slotMax: number,
): boolean =>
  members.some(
    (node) => Math.abs(draft.used[node]! - target[node]!) > Math.max(band * target[node]!, slotMax),
  );

function largestSlot(draft: Draft, index: SlotsByNode, members: readonly number[]): number {
  let largest = 0;
  for (const node of members) {
    for (const slot of slotsOf(index, node)) largest = Math.max(largest, draft.bytesOf(slot));
  }
  return largest;
}

/**
 * What any plan must move at least to give every node the bytes that this one gives it: the sum of what
 * nodes gain. A byte that goes through a third node, or that is exchanged for another, is above it.
 */
function netInflow(moves: readonly Move[]): number {
  const gains = new Map<NodeId, number>();
  for (const { from, to, bytes: moved } of moves) {
    gains.set(from, (gains.get(from) ?? 0) - moved);
    gains.set(to, (gains.get(to) ?? 0) + moved);
  }
  return [...gains.values()].reduce((sum, gain) => sum + Math.max(0, gain), 0);
}
