/** Levels the nodes of one zone. */
import type { Draft } from './draft.ts';
import type { NodeClass } from './fleet.ts';
import { flowsBetween } from './flows.ts';
import { realiseFlows } from './realise-flows.ts';
import { Seats } from './seats.ts';
import { shed } from './shed.ts';
import { judgeZone } from './spread.ts';

export interface ZoneTargets {
  readonly members: readonly number[];
  /** By node of the fleet. */
  readonly target: Float64Array;
  readonly metadata: Float64Array;
}

type Kinds = 'data' | 'metadata' | 'both';

/**
 * First the flows between nodes and the slots that make them up, then slot by slot what flows left over.
 * Where node classes differ, data is levelled first, so that mixed nodes end up holding just the
 * metadata that metadata nodes shall take from them (or lacking what those shall give), then metadata.
 */
export function levelZone(draft: Draft, zone: ZoneTargets): void {
  const classes = new Set(zone.members.map((node) => draft.fleet.nodes[node]!.class));
  if (classes.size > 1) {
    const between = { ...zone, target: targetsBetween(draft, zone) };
    levelKinds(draft, withClass(draft, between, 'data'), 'data');
    levelKinds(draft, withClass(draft, zone, 'metadata'), 'metadata');
  }
  levelKinds(draft, zone, 'both');
}

function levelKinds(draft: Draft, zone: ZoneTargets, kinds: Kinds): void {
  const { members, target } = zone;
  const over = (node: number) => draft.used[node]! - target[node]!;
  const above = () => members.filter((node) => over(node) > 0);
  const below = () => members.filter((node) => over(node) < 0);
  const home = draft.fleet.zoneOfNode[members[0]!]!;
  const mayGive = (slot: number) =>
    isOfKinds(draft, slot, kinds) && judgeZone(draft, slot, home) === 'good';
  const flows = flowsBetween(
    above().map((node) => ({ node, bytes: over(node) })),
    below().map((node) => ({ node, bytes: -over(node) })),
  );
  realiseFlows(draft, flows, mayGive);
  const seats = new Seats(draft, below(), over);
  shed({
    draft,
    target,
    donors: above(),
    budgetBytes: Number.POSITIVE_INFINITY,
    mayGive,
    seatFor: (slot) => seats.pick(home, slot),
  });
}

const withClass = (draft: Draft, zone: ZoneTargets, nodeClass: NodeClass): ZoneTargets => ({
  ...zone,
  members: zone.members.filter(
    (node) =>
      draft.fleet.nodes[node]!.class === nodeClass || draft.fleet.nodes[node]!.class === 'mixed',
  ),
});

const isOfKinds = ({ fleet }: Draft, slot: number, kinds: Kinds): boolean =>
  kinds === 'both' ||
  (kinds === 'metadata') === (fleet.isMetadata[fleet.chunkOfSlot[slot]!]! === 1);

/** The targets with which data is levelled: mixed nodes keep what metadata nodes will take or give. */
function targetsBetween(draft: Draft, zone: ZoneTargets): Float64Array {
  const { fleet } = draft;
  const ofClass = (nodeClass: NodeClass) =>
    zone.members.filter((node) => fleet.nodes[node]!.class === nodeClass);
  const mixed = ofClass('mixed');
  const excess = [...ofClass('data'), ...mixed].reduce(
    (sum, node) => sum + draft.used[node]! - zone.target[node]!,
    0,
  );
  const weightOf = (node: number) =>
    excess > 0 ? zone.metadata[node]! : fleet.nodes[node]!.capacity;
  const weight = mixed.reduce((sum, node) => sum + weightOf(node), 0);
  const target = zone.target.slice();
  for (const node of mixed) target[node]! += weight > 0 ? (excess * weightOf(node)) / weight : 0;
  return target;
}
