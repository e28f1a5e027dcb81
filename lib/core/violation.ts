import type { ChunkKind, NodeClass } from './fleet.ts';
import type { ChunkId, NodeId, Zone } from './ids.ts';
import type { NodeState } from './lifecycle.ts';
import type { Move } from './plan.ts';

/** A promise that a plan breaks. */
export type Violation =
  | { readonly kind: 'unknown-slot'; readonly move: Move }
  | { readonly kind: 'unknown-destination'; readonly move: Move }
  | { readonly kind: 'slot-moves-twice'; readonly move: Move }
  | { readonly kind: 'needless-move'; readonly move: Move }
  | { readonly kind: 'stays'; readonly move: Move }
  | { readonly kind: 'not-the-holder'; readonly move: Move; readonly holder: NodeId | undefined }
  | { readonly kind: 'wrong-bytes'; readonly move: Move; readonly expected: number }
  | { readonly kind: 'closed-destination'; readonly move: Move; readonly state: NodeState }
  | {
      readonly kind: 'wrong-class';
      readonly move: Move;
      readonly nodeClass: NodeClass;
      readonly chunkKind: ChunkKind;
    }
  | { readonly kind: 'two-slots-on-node'; readonly chunk: ChunkId; readonly node: NodeId }
  | {
      readonly kind: 'zones-fewer';
      readonly chunk: ChunkId;
      readonly before: number;
      readonly after: number;
    }
  | {
      readonly kind: 'zone-over-parity';
      readonly chunk: ChunkId;
      readonly zone: Zone;
      readonly shards: number;
      readonly parity: number;
      /** A zone that has a node with room and fewer shards than the parity. */
      readonly roomIn: Zone;
    }
  | {
      readonly kind: 'no-room';
      readonly node: NodeId;
      readonly peakBytes: number;
      readonly limitBytes: number;
    }
  | { readonly kind: 'left-behind'; readonly node: NodeId; readonly slots: number }
  | { readonly kind: 'wrong-total'; readonly bytesTotal: number; readonly expected: number };
