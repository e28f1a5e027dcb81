/**
 * How many nodes a zone's data needs: the reference design's arithmetic, by zone, because zones fill
 * unevenly and writes stop when one of them is full.
 */
import { type Redundancy, slotCount } from './fleet.ts';
import type { Zone } from './ids.ts';
import { cheapestFor, type NodeTypePolicy, nodeTypesOf } from './node-type.ts';

export interface ZoneUse {
  readonly zone: Zone;
  readonly usedBytes: number;
  /** Of the nodes that take copies, and of those on their way. */
  readonly capacityBytes: number;
  readonly nodes: number;
}

export interface CapacityPolicy extends NodeTypePolicy {
  /** The fill to aim at. */
  readonly fillTarget: number;
}

export type CapacityAdvice =
  | {
      readonly kind: 'add';
      readonly zone: Zone;
      readonly nodes: number;
      /** The cheapest type that does; empty for what the launch template has. */
      readonly type: string;
      readonly dollarsPerHour: number;
      readonly fill: number;
    }
  | { readonly kind: 'remove'; readonly zone: Zone; readonly nodes: number; readonly fill: number }
  | { readonly kind: 'keep'; readonly zone: Zone; readonly fill: number };

/** Above 1.1 of the target nodes are added, below 0.9 removed; between, a change would not pay. */
const addAbove = 1.1;
const removeBelow = 0.9;

/**
 * Where action is due, at least one node is added.
 *
 * @param nodesLeast that the zone keeps, from {@link nodesLeastInZone}
 */
export function adviseCapacity(
  use: ZoneUse,
  policy: CapacityPolicy,
  nodesLeast = 1,
): CapacityAdvice {
  const { zone, capacityBytes } = use;
  const { fillTarget } = policy;
  const fill = zoneFill(use);
  const types = nodeTypesOf(policy);
  if (fill > addAbove * fillTarget) {
    return { kind: 'add', zone, fill, ...cheapestFor(types, lackingBytes(use, policy)) };
  }
  const sizeBytes = use.nodes > 0 ? capacityBytes / use.nodes : types[0]!.capacityBytes;
  const spare = Math.floor(-lackingBytes(use, policy) / sizeBytes);
  const nodes = Math.min(spare, use.nodes - nodesLeast);
  return fill < removeBelow * fillTarget && nodes >= 1
    ? { kind: 'remove', zone, nodes, fill }
    : { kind: 'keep', zone, fill };
}

/** Capacity that the zone's data lacks at the target; negative when there is more than enough. */
export const lackingBytes = (
  { usedBytes, capacityBytes }: ZoneUse,
  { fillTarget }: Pick<CapacityPolicy, 'fillTarget'>,
): number => usedBytes / fillTarget - capacityBytes;

/** Nodes that one zone must keep: its share of the fewest, and one for each slot of a chunk that it holds. */
export function nodesLeastInZone(
  rules: readonly Redundancy[],
  zones: number,
  nodesMin: number,
): number {
  const slots = rules.map((rule) => Math.ceil(slotCount(rule) / zones));
  return Math.max(1, Math.ceil(nodesMin / zones), ...slots);
}

/** A zone without capacity is full. */
export const zoneFill = ({ usedBytes, capacityBytes }: ZoneUse): number =>
  capacityBytes > 0 ? usedBytes / capacityBytes : Number.POSITIVE_INFINITY;
