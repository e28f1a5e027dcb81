import { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import { levelHeat } from './level-heat.ts';
import { levelZone, type ZoneTargets } from './level-zone.ts';
import { levelZones } from './level-zones.ts';
import { fillHardMax, rebalanceBandDefault } from './limits.ts';
import { type JobKind, type Plan, type PlanDraft, wholePlan } from './plan.ts';
import { metadataByNode, zoneLevels } from './target.ts';

export interface RebalancePolicy {
  /** Half-width of the band, as a share of the mean fill: inside it nothing moves. @default 0.005 */
  readonly rebalanceBand?: number;
  /** Share of a node's capacity that a plan may fill. @default 0.95 */
  readonly fillHard?: number;
  /** Level requests as well as bytes. @default false */
  readonly heatAware?: boolean;
  /** What the plan says it is for. */
  readonly job?: JobKind;
}

export const planRebalance = (fleet: FleetMap, policy?: RebalancePolicy): Plan =>
  wholePlan(draftRebalance(fleet, policy));

/**
 * Levels the fleet within each zone: where a node is outside the band (and off by more than one slot),
 * the zone's nodes are brought to the mean, each giving or taking only what it is off by. An empty node
 * has just joined and is filled. With `heatAware` requests are levelled then, and bytes stay as they are.
 */
export function draftRebalance(fleet: FleetMap, policy: RebalancePolicy = {}): PlanDraft {
  const band = policy.rebalanceBand ?? rebalanceBandDefault;
  const fillHard = policy.fillHard ?? fillHardMax;
  const draft = new Draft(fleet, fillHard);
  const crossed = levelZones(draft, band);
  const metadata = metadataByNode(draft);
  const largestOf = largestSlots(fleet);
  for (const zone of fleet.zones.keys()) {
    const targets = targetsOf(draft, zone, metadata, fillHard);
    const largest = targets.members.reduce((most, node) => Math.max(most, largestOf[node]!), 0);
    if (crossed === 0 && !isOutside(draft, targets, band, largest)) continue;
    if (targets.members.length > 0) levelZone(draft, targets);
  }
  const minimum = netInflow(draft);
  const heat = policy.heatAware === true && fleet.heat !== undefined ? levelHeat(draft) : undefined;
  const plan = draft.planned(policy.job ?? 'rebalance', minimum);
  return heat === undefined ? plan : { ...plan, heat };
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

/** By node: the bytes of the largest slot that it holds. */
function largestSlots(fleet: FleetMap): Float64Array {
  const largest = new Float64Array(fleet.nodes.length);
  for (let slot = 0; slot < fleet.holders.length; slot++) {
    const holder = fleet.holders[slot]!;
    const size = fleet.slotBytes[fleet.chunkOfSlot[slot]!]!;
    if (holder >= 0 && size > largest[holder]!) largest[holder] = size;
  }
  return largest;
}

/**
 * What any plan must move at least to give every node the bytes that this one gives it: the sum of what
 * nodes gain. A byte that goes through a third node, or that is exchanged for another, is above it.
 */
const netInflow = ({ fleet, used }: Draft): number =>
  used.reduce((sum, bytes, node) => sum + Math.max(0, bytes - fleet.used[node]!), 0);
