import { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import { levelZone, type ZoneTargets } from './level-zone.ts';
import { levelZones } from './level-zones.ts';
import { fillHardMax, rebalanceBandDefault } from './limits.ts';
import type { JobKind, Plan } from './plan.ts';
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
  const floors: Floor[] = [];
  for (const zone of fleet.zones.keys()) {
    const targets = targetsOf(draft, zone, metadata, fillHard);
    const grain = grainOf(draft, index, targets.members);
    if (crossed === 0 && !isOutside(draft, targets, band, grain.largest)) continue;
    floors.push(floorOf(fleet, targets, grain));
    if (targets.members.length > 0) levelZone(draft, index, targets);
  }
  return {
    job: policy.job ?? 'rebalance',
    moves: draft.moves,
    bytesTotal: bytes(draft.bytesTotal),
    bytesMinimum: bytes(Math.min(draft.bytesTotal, minimumOf(floors, crossed))),
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

/** The largest slot, and the bytes that every slot has if all are equal. */
interface Grain {
  readonly largest: number;
  readonly uniform: boolean;
}

function grainOf(draft: Draft, index: SlotsByNode, members: readonly number[]): Grain {
  let largest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const node of members) {
    for (const slot of slotsOf(index, node)) {
      largest = Math.max(largest, draft.bytesOf(slot));
      smallest = Math.min(smallest, draft.bytesOf(slot));
    }
  }
  return { largest, uniform: largest === smallest };
}

/** What must leave the nodes of a zone, and what must enter them, at least. */
interface Floor {
  readonly out: number;
  readonly in: number;
}

/**
 * Slots are indivisible, so the end is "every node less than one slot off its target": whole slots where
 * all are equal, else all but the largest. Known from fills and targets alone, before any move is.
 */
function floorOf(fleet: FleetMap, { members, target }: ZoneTargets, grain: Grain): Floor {
  const atLeast = (bytesOff: number): number => {
    if (bytesOff < grain.largest || grain.largest === 0) return 0;
    if (!grain.uniform) return bytesOff - grain.largest;
    return Math.floor(bytesOff / grain.largest) * grain.largest;
  };
  const floor = { out: 0, in: 0 };
  for (const node of members) {
    floor.out += atLeast(fleet.used[node]! - target[node]!);
    floor.in += atLeast(target[node]! - fleet.used[node]!);
  }
  return floor;
}

/** Without moves between zones each zone has its own minimum; with them only the sums are bounds. */
const minimumOf = (floors: readonly Floor[], crossed: number): number =>
  crossed === 0
    ? floors.reduce((sum, floor) => sum + Math.max(floor.out, floor.in), 0)
    : Math.max(
        floors.reduce((sum, floor) => sum + floor.out, 0),
        floors.reduce((sum, floor) => sum + floor.in, 0),
      );
