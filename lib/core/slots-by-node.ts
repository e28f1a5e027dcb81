import { type FleetMap, NOBODY } from './fleet-map.ts';

/** The slots that each node holds, larger ones first (to a quarter of a power of two). */
export interface SlotsByNode {
  /** Slots of node n are `slots[start[n]] … slots[start[n + 1] - 1]`. */
  readonly start: Int32Array;
  readonly slots: Int32Array;
}

/** Two counting sorts, so the time is linear in the slots. */
export function slotsByNode(fleet: FleetMap): SlotsByNode {
  const start = new Int32Array(fleet.nodes.length + 1);
  for (const holder of fleet.holders) if (holder !== NOBODY) start[holder + 1]!++;
  for (let node = 0; node < fleet.nodes.length; node++) start[node + 1]! += start[node]!;
  const slots = new Int32Array(start.at(-1)!);
  const next = start.slice();
  for (const chunk of largestFirst(fleet.slotBytes)) {
    for (let slot = fleet.slotStart[chunk]!; slot < fleet.slotStart[chunk + 1]!; slot++) {
      const holder = fleet.holders[slot]!;
      if (holder !== NOBODY) slots[next[holder]!++] = slot;
    }
  }
  return { start, slots };
}

export const slotsOf = (index: SlotsByNode, node: number): Int32Array =>
  index.slots.subarray(index.start[node]!, index.start[node + 1]!);

/** Quarter powers of two up to 2^53, the largest exact integer, counted from the top. */
const sizeClasses = 4 * 54;
const sizeClass = (bytes: number): number =>
  sizeClasses - 1 - (bytes < 1 ? 0 : Math.min(sizeClasses - 1, Math.floor(4 * Math.log2(bytes))));

/** The chunks' numbers by size class, larger first; the order within a class is kept. */
function largestFirst(slotBytes: Float64Array): Int32Array {
  const next = new Int32Array(sizeClasses + 1);
  const classes = Uint8Array.from(slotBytes, sizeClass);
  for (const each of classes) next[each + 1]!++;
  for (let each = 0; each < sizeClasses; each++) next[each + 1]! += next[each]!;
  const order = new Int32Array(slotBytes.length);
  for (let chunk = 0; chunk < classes.length; chunk++) order[next[classes[chunk]!]!++] = chunk;
  return order;
}
