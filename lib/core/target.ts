/**
 * What each node should hold: within a zone the same share of every node's capacity, as far as node
 * classes allow. The most even fill (lexicographic max–min) of data-only, metadata-only and mixed nodes
 * has a closed form: all level, unless one kind alone is more than its nodes' share of that level.
 */
import type { Draft } from './draft.ts';
import type { NodeClass } from './fleet.ts';
import { type FleetMap, NOBODY } from './fleet-map.ts';

/** Bytes of each kind in use, or of capacity by node class. */
export interface KindBytes {
  readonly data: number;
  readonly metadata: number;
}

export type ClassLevels = Readonly<Record<NodeClass, number>>;

export function classLevels(
  held: KindBytes,
  capacity: Readonly<Record<NodeClass, number>>,
): ClassLevels {
  const level = (held.data + held.metadata) / (capacity.data + capacity.metadata + capacity.mixed);
  const forData = capacity.data + capacity.mixed;
  const forMetadata = capacity.metadata + capacity.mixed;
  if (capacity.metadata > 0 && held.data > level * forData) {
    const dataLevel = share(held.data, forData);
    return { data: dataLevel, mixed: dataLevel, metadata: held.metadata / capacity.metadata };
  }
  if (capacity.data > 0 && held.metadata > level * forMetadata) {
    const metadataLevel = share(held.metadata, forMetadata);
    return { data: held.data / capacity.data, mixed: metadataLevel, metadata: metadataLevel };
  }
  return { data: level, mixed: level, metadata: level };
}

/** No node at all can hold the kind: then nothing of it is to be levelled. */
const share = (held: number, capacity: number): number => (capacity > 0 ? held / capacity : 0);

/** By node: bytes of metadata among its slots, as after the moves so far. */
export function metadataByNode(draft: Draft): Float64Array {
  const { fleet } = draft;
  const metadata = new Float64Array(fleet.nodes.length);
  for (let slot = 0; slot < fleet.holders.length; slot++) {
    const chunk = fleet.chunkOfSlot[slot]!;
    if (fleet.isMetadata[chunk] === 0) continue;
    const holder = draft.holderOf(slot);
    if (holder !== NOBODY) metadata[holder]! += fleet.slotBytes[chunk]!;
  }
  return metadata;
}

/** The levels of one zone's members. */
export function zoneLevels(
  fleet: FleetMap,
  members: readonly number[],
  used: Float64Array,
  metadata: Float64Array,
): ClassLevels {
  const capacity = { data: 0, metadata: 0, mixed: 0 };
  const held = { data: 0, metadata: 0 };
  for (const node of members) {
    capacity[fleet.nodes[node]!.class] += fleet.nodes[node]!.capacity;
    held.metadata += metadata[node]!;
    held.data += used[node]! - metadata[node]!;
  }
  return classLevels(held, capacity);
}
