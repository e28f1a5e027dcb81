import type { FleetMap } from './fleet-map.ts';

/** The slots that each of some nodes held before the plan, larger ones first (to a quarter power of two). */
export interface SlotsByNode {
  readonly nodes: readonly number[];
  /** Slots of `nodes[i]` are `slots[start[i]] … slots[start[i + 1] - 1]`. */
  readonly start: Int32Array;
  readonly slots: Int32Array;
}

/** The memory is that of the nodes' slots, the time linear in the fleet's. */
export function slotsByNode(fleet: FleetMap, nodes: readonly number[]): SlotsByNode {
  const start = new Int32Array(nodes.length + 1);
  const next = new Int32Array(fleet.nodes.length).fill(-1);
  for (const [at, node] of nodes.entries()) {
    next[node] = start[at]!;
    start[at + 1] = start[at]! + fleet.slotsOnNode[node]!;
  }
  const slots = new Int32Array(start.at(-1)!);
  for (let slot = 0; slot < fleet.holders.length; slot++) {
    const holder = fleet.holders[slot]!;
    if (holder >= 0 && next[holder]! >= 0) slots[next[holder]!++] = slot;
  }
  const index = { nodes, start, slots };
  for (const at of nodes.keys()) sortLargestFirst(fleet, slotsOf(index, at));
  return index;
}

/** Of a node that the index has, by its place among `nodes`. */
export const slotsOf = (index: SlotsByNode, at: number): Int32Array =>
  index.slots.subarray(index.start[at]!, index.start[at + 1]!);

/** Slots that are indexed at a time: 256 for each node, and 262,144 however few nodes there are. */
const slotsPerNodeInWindow = 256;
const windowSlotsMin = 2 ** 18;

/**
 * The nodes in their order, cut into runs whose slots fit one window, each with its index: what is in
 * memory at once grows with the nodes, not with what they hold. A node with more slots is a run of its own.
 */
export function* inWindows(fleet: FleetMap, nodes: readonly number[]): Generator<SlotsByNode> {
  const most = Math.max(windowSlotsMin, slotsPerNodeInWindow * fleet.nodes.length);
  for (let from = 0; from < nodes.length; ) {
    let end = from;
    let slots = 0;
    do slots += fleet.slotsOnNode[nodes[end++]!]!;
    while (end < nodes.length && slots + fleet.slotsOnNode[nodes[end]!]! <= most);
    yield slotsByNode(fleet, nodes.slice(from, end));
    from = end;
  }
}

/** Quarter powers of two up to 2^53, the largest exact integer, counted from the top. */
const sizeClasses = 4 * 54;
const sizeClass = (bytes: number): number =>
  sizeClasses - 1 - (bytes < 1 ? 0 : Math.min(sizeClasses - 1, Math.floor(4 * Math.log2(bytes))));

/** A counting sort by size class: the order within a class is kept. */
function sortLargestFirst({ slotBytes, chunkOfSlot }: FleetMap, slots: Int32Array): void {
  const next = new Int32Array(sizeClasses + 1);
  const classes = new Uint8Array(slots.length);
  for (let at = 0; at < slots.length; at++) {
    const each = sizeClass(slotBytes[chunkOfSlot[slots[at]!]!]!);
    classes[at] = each;
    next[each + 1]!++;
  }
  for (let each = 0; each < sizeClasses; each++) next[each + 1]! += next[each]!;
  const inOrder = slots.slice();
  for (let at = 0; at < slots.length; at++) slots[next[classes[at]!]!++] = inOrder[at]!;
}
