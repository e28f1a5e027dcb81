import type { FleetMap } from './fleet-map.ts';
import type { Move } from './plan.ts';

/** Bytes that go from one zone to another; a move from or to an unknown node counts as such. */
export function bytesCrossZone(fleet: FleetMap, moves: Iterable<Move>): number {
  const zoneOf = (node: Move['from']) => fleet.nodes[fleet.nodeIndex.get(node) ?? -1]?.zone;
  let sum = 0;
  for (const { from, to, bytes } of moves) {
    const zone = zoneOf(from);
    if (zone === undefined || zone !== zoneOf(to)) sum += bytes;
  }
  return sum;
}
