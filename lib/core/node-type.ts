import { byCodeUnit } from './ids.ts';

/** A kind of machine that can be launched. */
export interface NodeType {
  /** EC2's name of it; empty for what the launch template names. */
  readonly type: string;
  readonly capacityBytes: number;
  readonly dollarsPerHour: number;
}

export interface NodeTypePolicy {
  readonly nodeTypes: readonly NodeType[];
  /** Of a node as the launch template has it: the only type while none are named. */
  readonly nodeCapacityBytes: number;
  readonly nodeDollarsPerHour: number;
}

export const nodeTypesOf = (policy: NodeTypePolicy): readonly NodeType[] =>
  policy.nodeTypes.length > 0 ? policy.nodeTypes : [templateType(policy)];

/** The type of that name; one that the policy does not name, or no longer, is as the template has it. */
export const typeNamed = (policy: NodeTypePolicy, name: string): NodeType =>
  policy.nodeTypes.find(({ type }) => type === name) ?? templateType(policy);

const templateType = (policy: NodeTypePolicy): NodeType => ({
  type: '',
  capacityBytes: policy.nodeCapacityBytes,
  dollarsPerHour: policy.nodeDollarsPerHour,
});

/** The type that covers what one zone lacks at the least price, and how many: one at least. */
export function cheapestFor(types: readonly NodeType[], lackingBytes: number) {
  const offers = types.map((type) => {
    const nodes = Math.max(1, Math.ceil(lackingBytes / type.capacityBytes));
    return { type: type.type, nodes, dollarsPerHour: nodes * type.dollarsPerHour };
  });
  return offers.reduce((best, offer) => {
    const order = offer.dollarsPerHour - best.dollarsPerHour || byCodeUnit(offer.type, best.type);
    return order < 0 ? offer : best;
  });
}

/** Nodes of one type in each of some zones. */
export interface Purchase {
  readonly type: NodeType;
  /** In the order of the needs. */
  readonly counts: readonly number[];
}

/**
 * The type that covers what zones lack at the least price, each zone with one node at least and all
 * together with `nodesMax` at most. When none covers it within that, the one that leaves least uncovered.
 */
export function cheapestPurchase(
  types: readonly NodeType[],
  lacks: readonly number[],
  nodesMax: number,
): Purchase {
  const offers = types.map((type) => offerOf(type, lacks, nodesMax));
  return offers.reduce((best, offer) => (isBetter(offer, best) ? offer : best));
}

interface Offer extends Purchase {
  readonly uncoveredBytes: number;
  readonly dollarsPerHour: number;
}

function offerOf(type: NodeType, lacks: readonly number[], nodesMax: number): Offer {
  const left = [...lacks];
  const counts = lacks.map(() => 0);
  for (let given = 0; given < nodesMax; given++) {
    const at = neediest(left, counts);
    if (at === undefined) break;
    counts[at]!++;
    left[at]! -= type.capacityBytes;
  }
  const uncoveredBytes = left.reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
  const nodes = counts.reduce((sum, count) => sum + count, 0);
  return { type, counts, uncoveredBytes, dollarsPerHour: nodes * type.dollarsPerHour };
}

/** A zone without its first node comes before those that have one; among like ones, what lacks most. */
function neediest(left: readonly number[], counts: readonly number[]): number | undefined {
  const open = [...left.keys()].filter((at) => counts[at] === 0 || left[at]! > 0);
  if (open.length === 0) return undefined;
  return open.reduce((most, at) => (left[at]! > left[most]! ? at : most));
}

const isBetter = (offer: Offer, best: Offer): boolean =>
  (offer.uncoveredBytes - best.uncoveredBytes ||
    offer.dollarsPerHour - best.dollarsPerHour ||
    byCodeUnit(offer.type.type, best.type.type)) < 0;

/** The price of a node by its size: that of the type nearest in size, in proportion. */
export function priceOf(types: readonly NodeType[], capacityBytes: number): number {
  const distance = ({ capacityBytes: of }: NodeType) => Math.abs(Math.log(of / capacityBytes));
  const nearest = types.reduce((best, type) => (distance(type) < distance(best) ? type : best));
  return (nearest.dollarsPerHour * capacityBytes) / nearest.capacityBytes;
}
