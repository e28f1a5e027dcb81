/**
 * How many nodes a zone's data needs: the reference design's arithmetic, by zone, because zones fill
 * unevenly and writes stop when one of them is full.
 */
import type { Zone } from './ids.ts';

export interface ZoneUse {
  readonly zone: Zone;
  readonly usedBytes: number;
  /** Of the nodes that take copies, and of those on their way. */
  readonly capacityBytes: number;
  readonly nodes: number;
}

export interface CapacityPolicy {
  /** The fill to aim at. */
  readonly fillTarget: number;
  readonly nodeCapacityBytes: number;
}

export type CapacityAdvice =
  | { readonly kind: 'add'; readonly zone: Zone; readonly nodes: number; readonly fill: number }
  | { readonly kind: 'remove'; readonly zone: Zone; readonly nodes: number; readonly fill: number }
  | { readonly kind: 'keep'; readonly zone: Zone; readonly fill: number };

/** Above 1.1 of the target nodes are added, below 0.9 removed; between, a change would not pay. */
const addAbove = 1.1;
const removeBelow = 0.9;

/** A zone keeps at least one node; where action is due, at least one is added. */
export function adviseCapacity(use: ZoneUse, policy: CapacityPolicy): CapacityAdvice {
  const { zone, usedBytes, capacityBytes } = use;
  const { fillTarget, nodeCapacityBytes } = policy;
  const fill = zoneFill(use);
  const wanted = usedBytes / fillTarget;
  if (fill > addAbove * fillTarget) {
    const nodes = Math.max(1, Math.ceil((wanted - capacityBytes) / nodeCapacityBytes));
    return { kind: 'add', zone, nodes, fill };
  }
  const spare = Math.floor((capacityBytes - wanted) / nodeCapacityBytes);
  const nodes = Math.min(spare, use.nodes - 1);
  return fill < removeBelow * fillTarget && nodes >= 1
    ? { kind: 'remove', zone, nodes, fill }
    : { kind: 'keep', zone, fill };
}

/** A zone without capacity is full. */
export const zoneFill = ({ usedBytes, capacityBytes }: ZoneUse): number =>
  capacityBytes > 0 ? usedBytes / capacityBytes : Number.POSITIVE_INFINITY;
