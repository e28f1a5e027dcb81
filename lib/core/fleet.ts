import type { ChunkId, NodeId, Zone } from './ids.ts';
import type { NodeState } from './lifecycle.ts';
import { type Bytes, bytes } from './units.ts';

/** Which kinds of chunk a node may hold. */
export const nodeClasses = ['data', 'metadata', 'mixed'] as const;
export type NodeClass = (typeof nodeClasses)[number];
export type ChunkKind = 'data' | 'metadata';

export interface FleetNode {
  readonly id: NodeId;
  readonly zone: Zone;
  readonly class: NodeClass;
  readonly capacity: Bytes;
  readonly state: NodeState;
}

/** How a chunk survives: n whole copies, or k data and m parity shards. */
export type Redundancy =
  | { readonly kind: 'replicated'; readonly copies: number }
  | { readonly kind: 'erasure'; readonly data: number; readonly parity: number };

export interface Chunk {
  readonly id: ChunkId;
  readonly size: Bytes;
  readonly kind: ChunkKind;
  readonly redundancy: Redundancy;
  /** The index is the slot. */
  readonly holders: readonly NodeId[];
  /** Accesses an hour. @default 0 */
  readonly heat?: number;
}

export const slotCount = (redundancy: Redundancy): number =>
  redundancy.kind === 'replicated' ? redundancy.copies : redundancy.data + redundancy.parity;

/** Bytes that one slot of a chunk occupies: the whole chunk, or a shard of ⌈size / k⌉. */
export const slotBytes = (size: Bytes, redundancy: Redundancy): Bytes =>
  redundancy.kind === 'replicated' ? size : bytes(Math.ceil(size / redundancy.data));

export const holdsKind = (nodeClass: NodeClass, kind: ChunkKind): boolean =>
  nodeClass === 'mixed' || nodeClass === kind;
