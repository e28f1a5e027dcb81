import type { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import type { ChunkId } from './ids.ts';

/** Accesses an hour of a chunk; 0 where the map has none of it. */
export function heatOfChunk({ heat, chunkIds }: FleetMap, chunk: ChunkId): number {
  const at = heat === undefined ? undefined : chunkIds.indexOf(chunk);
  return at === undefined ? 0 : heat![at]!;
}

/**
 * Accesses an hour that a slot sees of its chunk's: a copy its share of them, a data shard every one, a
 * parity shard none.
 */
export function heatOfSlot(
  { heat, rules, ruleOfChunk, chunkOfSlot, slotStart }: FleetMap,
  slot: number,
): number {
  const chunk = chunkOfSlot[slot]!;
  const rule = rules[ruleOfChunk[chunk]!]!;
  const ofChunk = heat?.[chunk] ?? 0;
  if (rule.kind === 'replicated') return ofChunk / rule.copies;
  return slot - slotStart[chunk]! < rule.data ? ofChunk : 0;
}

/** By node: accesses an hour of its slots, as after the moves so far. */
export function heatByNode(draft: Draft): Float64Array {
  const { fleet } = draft;
  const heat = new Float64Array(fleet.nodes.length);
  for (let slot = 0; slot < fleet.holders.length; slot++) {
    const holder = draft.holderOf(slot);
    if (holder >= 0) heat[holder]! += heatOfSlot(fleet, slot);
  }
  return heat;
}

/** By node that takes copies: its share, by capacity, of its zone's heat; of others, what they have. */
export function heatShares(draft: Draft, heat: Float64Array): Float64Array {
  const { nodes, zones, zoneOfNode } = draft.fleet;
  const total = new Float64Array(zones.length);
  const capacity = new Float64Array(zones.length);
  for (const [node, { capacity: own }] of nodes.entries()) {
    if (!draft.isOpen(node)) continue;
    total[zoneOfNode[node]!]! += heat[node]!;
    capacity[zoneOfNode[node]!]! += own;
  }
  return Float64Array.from(nodes, ({ capacity: own }, node) =>
    draft.isOpen(node)
      ? (total[zoneOfNode[node]!]! * own) / capacity[zoneOfNode[node]!]!
      : heat[node]!,
  );
}
