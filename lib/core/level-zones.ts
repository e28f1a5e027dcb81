import type { Draft } from './draft.ts';
import { Seats } from './seats.ts';
import { shed } from './shed.ts';
import { judgeZone } from './spread.ts';

/**
 * Moves slots between zones whose fill is off the fleet's mean by more than the band, as far as the zone
 * rule lets slots change zones (three copies in three zones: not at all). A zone gives no more than it
 * is over and takes no more than it is under. Returns the bytes moved.
 */
export function levelZones(draft: Draft, band: number): number {
  const { fleet } = draft;
  const members = [...fleet.nodes.keys()].filter((node) => draft.isOpen(node));
  const capacity = sumByZone(draft, members, (node) => fleet.nodes[node]!.capacity);
  const used = sumByZone(draft, members, (node) => draft.used[node]!);
  const level = sum(used) / Math.max(1, sum(capacity));
  const over = used.map((bytes, zone) => bytes - level * capacity[zone]!);
  if (over.every((bytes, zone) => Math.abs(bytes) <= band * level * capacity[zone]!)) return 0;
  const target = Float64Array.from(fleet.nodes, (node) => node.capacity * level);
  const takers = members.filter(
    (node) => over[fleet.zoneOfNode[node]!]! < 0 && draft.used[node]! < target[node]!,
  );
  const seats = new Seats(draft, takers, (node) => draft.used[node]! - target[node]!);
  const seatFor = (slot: number) => seatAcross(draft, seats, over, slot);
  let moved = 0;
  for (const zone of fleet.zones.keys()) {
    const donors = members.filter(
      (node) => fleet.zoneOfNode[node] === zone && draft.used[node]! > target[node]!,
    );
    const budgetBytes = Math.max(0, over[zone]!);
    moved += shed({ draft, target, donors, budgetBytes, mayGive: () => true, seatFor });
  }
  return moved;
}

/** The node for a slot in the zone that is furthest under, of those the rule likes. */
function seatAcross(
  draft: Draft,
  seats: Seats,
  over: Float64Array,
  slot: number,
): number | undefined {
  const size = draft.bytesOf(slot);
  const home = draft.fleet.zoneOfNode[draft.holderOf(slot)]!;
  let best: number | undefined;
  for (const zone of over.keys()) {
    if (zone === home || over[zone]! > -size) continue;
    if (best !== undefined && over[zone]! >= over[best]!) continue;
    if (judgeZone(draft, slot, zone) === 'good') best = zone;
  }
  if (best === undefined) return undefined;
  const seat = seats.pick(best, slot);
  if (seat !== undefined) over[best]! += size;
  return seat;
}

function sumByZone(draft: Draft, nodes: readonly number[], of: (node: number) => number) {
  const sums = new Float64Array(draft.fleet.zones.length);
  for (const node of nodes) sums[draft.fleet.zoneOfNode[node]!]! += of(node);
  return sums;
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
