/** What would let a blocked drain happen: each change is tried on the fleet before it is told. */
import { planDrain } from './drain.ts';
import type { FleetNode } from './fleet.ts';
import type { FleetMap } from './fleet-map.ts';
import { type NodeId, nodeId, type Zone } from './ids.ts';
import { fillHardMax } from './limits.ts';
import type { Block, Plan } from './plan.ts';
import type { Remedy } from './remedy.ts';
import { type Bytes, bytes } from './units.ts';

export interface UnblockPolicy {
  /** Share of a node's capacity that a plan may fill. @default 0.95 */
  readonly fillHard?: number;
  /** Capacity of a node that a launch brings. */
  readonly nodeCapacityBytes: Bytes;
}

/** More than these are no small change any more, and each is a plan to try. */
const nodesAddedMax = 64;
const leavingTriedMax = 32;
/** `fillHard` is tried in thousandths. */
const fillSteps = 1_000;

/** The smallest change of each kind that takes the blocks away, the least intrusive first. */
export function waysToUnblock(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  policy: UnblockPolicy,
): readonly Remedy[] {
  const { blocks } = planDrain(fleet, leaving, policy);
  const mistaken = blocks.flatMap((block) => (isMistake(block) ? [block.node] : []));
  if (mistaken.length > 0) return withoutMistakes(fleet, leaving, mistaken, policy);
  if (blocks.length === 0) return [];
  return [
    ...repairFirst(blocks),
    ...leaveOut(leaving, {
      weightOf: (node) => fleet.used[fleet.nodeIndex.get(node) ?? -1] ?? 0,
      isGood: (rest) => planDrain(fleet, rest, policy).blocks.length === 0,
    }),
    ...(blocks.some(isOfRoom) ? fillFurther(fleet, leaving, policy) : []),
    ...(blocks.some(isOfPlace) ? addNodes(fleet, leaving, policy) : []),
  ];
}

const isMistake = (block: Block) => block.kind === 'unknown-node' || block.kind === 'wrong-state';

function withoutMistakes(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  mistaken: readonly NodeId[],
  policy: UnblockPolicy,
): readonly Remedy[] {
  const rest = leaving.filter((node) => !mistaken.includes(node));
  const isGood = rest.length > 0 && planDrain(fleet, rest, policy).blocks.length === 0;
  return isGood ? [{ kind: 'leave-out', nodes: mistaken }] : [];
}

const isOfRoom = ({ kind }: Block): boolean =>
  kind === 'zone-lacks-room' || kind === 'no-node-fits';
const isOfPlace = (block: Block): boolean => isOfRoom(block) || block.kind === 'last-node-of-zone';
const hasPlace = ({ blocks }: Plan): boolean => !blocks.some(isOfPlace);

function repairFirst(blocks: readonly Block[]): readonly Remedy[] {
  const chunks = blocks.flatMap((block) => (block.kind === 'too-few-holders' ? [block.chunk] : []));
  return chunks.length === 0 ? [] : [{ kind: 'repair-first', chunks }];
}

export interface Choice {
  /** What the node makes of the work: where one is enough the lightest goes, else the heaviest first. */
  readonly weightOf: (node: NodeId) => number;
  readonly isGood: (rest: readonly NodeId[]) => boolean;
}

/** The fewest nodes without which the others are good; none if it takes all. */
export function leaveOut(leaving: readonly NodeId[], choice: Choice): readonly Remedy[] {
  let rest = [...new Set(leaving)].toSorted(
    (left, right) => choice.weightOf(left) - choice.weightOf(right),
  );
  if (rest.length > leavingTriedMax) return [];
  const out: NodeId[] = [];
  while (rest.length > 1) {
    const one = rest.find((node) => choice.isGood(rest.filter((other) => other !== node)));
    const left = one ?? rest.at(-1)!;
    out.push(left);
    rest = rest.filter((node) => node !== left);
    if (one !== undefined) return [{ kind: 'leave-out', nodes: out }];
  }
  return [];
}

function fillFurther(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  { fillHard = fillHardMax }: UnblockPolicy,
): readonly Remedy[] {
  const fits = (step: number) =>
    hasPlace(planDrain(fleet, leaving, { fillHard: step / fillSteps }));
  const step = smallest(Math.floor(fillHard * fillSteps) + 1, fillSteps, fits);
  return step === undefined ? [] : [{ kind: 'raise-fill-hard', fillHard: step / fillSteps }];
}

/** The smallest whole number of a range that is good, if all above a good one are. */
function smallest(
  from: number,
  to: number,
  isGood: (value: number) => boolean,
): number | undefined {
  if (from > to || !isGood(to)) return undefined;
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isGood(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

type Added = ReadonlyMap<Zone, number>;

/** Empty nodes in the zones that lack room: as many as what they lack takes, then as few as still do. */
function addNodes(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  policy: UnblockPolicy,
): readonly Remedy[] {
  const planWith = (added: Added) =>
    planDrain(enlarged(fleet, added, policy.nodeCapacityBytes), leaving, policy);
  const first = planWith(new Map());
  const lacking = lackingIn(first.blocks);
  let added = new Map<Zone, number>();
  for (let plan = first; !hasPlace(plan); plan = planWith(added)) {
    const more = lackingIn(plan.blocks);
    if (more.size === 0) return [];
    added = new Map(added);
    for (const [zone, bytesLacking] of more) {
      const nodes = Math.max(1, Math.floor(bytesLacking / policy.nodeCapacityBytes));
      added.set(zone, (added.get(zone) ?? 0) + nodes);
    }
    if ([...added.values()].some((nodes) => nodes > nodesAddedMax)) return [];
  }
  for (const [zone, nodes] of added) {
    const isEnough = (fewer: number) => hasPlace(planWith(new Map(added).set(zone, fewer)));
    added.set(zone, smallest(0, nodes, isEnough) ?? nodes);
  }
  return [...added]
    .filter(([, nodes]) => nodes > 0)
    .map(([zone, nodes]) => ({
      ...{ kind: 'add-nodes', zone, nodes, lackingBytes: bytes(lacking.get(zone) ?? 0) },
    }));
}

/** By zone: the bytes that its nodes cannot take; 0 where only a node is missing. */
function lackingIn(blocks: readonly Block[]): ReadonlyMap<Zone, number> {
  const lacking = new Map<Zone, number>();
  for (const block of blocks) {
    if (block.kind === 'last-node-of-zone') lacking.set(block.zone, 0);
    if (block.kind !== 'zone-lacks-room') continue;
    lacking.set(block.zone, Math.max(0, block.neededBytes - block.roomBytes));
  }
  return lacking;
}

/** The fleet with empty nodes more. Their numbers follow those of the nodes that are there. */
function enlarged(fleet: FleetMap, added: Added, capacity: Bytes): FleetMap {
  const more = [...added].flatMap(([zone, count]) =>
    Array.from(
      { length: count },
      (_, i): FleetNode => ({
        id: nodeId(`\u{10ffff}${zone}-${i}`),
        ...{ zone, class: 'mixed', capacity, state: 'active' },
      }),
    ),
  );
  const nodes = [...fleet.nodes, ...more];
  const longer = (values: Float64Array) =>
    Float64Array.from({ length: nodes.length }, (_, node) => values[node] ?? 0);
  return {
    ...fleet,
    nodes,
    nodeIndex: new Map(nodes.map(({ id }, index) => [id, index])),
    zoneOfNode: Uint16Array.from(nodes, ({ zone }) => fleet.zones.indexOf(zone)),
    used: longer(fleet.used),
    occupied: longer(fleet.occupied),
  };
}
