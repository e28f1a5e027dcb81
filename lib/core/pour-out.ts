import type { Draft } from './draft.ts';
import { type ChunkKind, holdsKind } from './fleet.ts';
import { type Amount, flowsBetween, pour } from './flows.ts';
import { realiseFlows } from './realise-flows.ts';
import { judgeZone } from './spread.ts';

/**
 * Moves what leaving nodes hold to the nodes of their zones, by flows that raise the least filled of these
 * to one level. What flows leave over, or may not stay in the zone, is still there afterwards. Metadata
 * goes first: fewer nodes may take it.
 */
export function pourOut(draft: Draft, leaving: readonly number[], fillHard: number): void {
  for (const kind of ['metadata', 'data'] as const) {
    const held = heldOfKind(draft, leaving, kind);
    for (const zone of draft.fleet.zones.keys()) {
      const givers = held.filter(({ node }) => draft.fleet.zoneOfNode[node] === zone);
      const total = givers.reduce((sum, { bytes }) => sum + bytes, 0);
      if (total === 0) continue;
      const flows = flowsBetween(givers, pour(vesselsOf(draft, zone, kind), total, fillHard));
      realiseFlows(
        draft,
        flows,
        (slot) => isOfKind(draft, slot, kind) && judgeZone(draft, slot, zone) === 'good',
      );
    }
  }
}

const isOfKind = ({ fleet }: Draft, slot: number, kind: ChunkKind): boolean =>
  (kind === 'metadata') === (fleet.isMetadata[fleet.chunkOfSlot[slot]!] === 1);

function heldOfKind(draft: Draft, nodes: readonly number[], kind: ChunkKind): Amount[] {
  const { holders } = draft.fleet;
  const held = new Float64Array(draft.fleet.nodes.length);
  for (let slot = 0; slot < holders.length; slot++) {
    if (holders[slot]! >= 0 && isOfKind(draft, slot, kind)) {
      held[holders[slot]!]! += draft.bytesOf(slot);
    }
  }
  return nodes.map((node) => ({ node, bytes: held[node]! }));
}

const vesselsOf = (draft: Draft, zone: number, kind: ChunkKind) =>
  [...draft.fleet.nodes.keys()]
    .filter(
      (node) =>
        draft.fleet.zoneOfNode[node] === zone &&
        draft.isOpen(node) &&
        holdsKind(draft.fleet.nodes[node]!.class, kind),
    )
    .map((node) => ({
      node,
      capacity: draft.fleet.nodes[node]!.capacity,
      held: draft.peak[node]!,
    }));
