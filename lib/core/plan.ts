import type { ChunkId, NodeId, Zone } from './ids.ts';
import type { NodeState } from './lifecycle.ts';
import type { Bytes, EpochMillis } from './units.ts';

export type JobKind = 'drain' | 'rebalance' | 'repair' | 'scale-out' | 'scale-in';

/**
 * One slot of one chunk goes from one node to another. In a repair `from` is the node that lost the slot:
 * the bytes come from any live holder. Where that is `to` as well, a damaged slot is mended in place.
 */
export interface Move {
  readonly chunk: ChunkId;
  readonly slot: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: Bytes;
}

export const isInPlace = ({ from, to }: { readonly from: string; readonly to: string }): boolean =>
  from === to;

/** A typed reason, with its numbers, why something may not happen now. */
export type Block =
  | {
      readonly kind: 'no-node-fits';
      readonly chunk: ChunkId;
      readonly bytes: Bytes;
      readonly from: NodeId;
      /** Zones in which a new holder would keep the chunk's spread. */
      readonly zones: readonly Zone[];
    }
  | {
      readonly kind: 'too-few-holders';
      readonly chunk: ChunkId;
      readonly live: number;
      readonly needed: number;
    }
  | {
      readonly kind: 'zone-lacks-room';
      readonly zone: Zone;
      readonly neededBytes: Bytes;
      readonly roomBytes: Bytes;
      readonly slots: number;
    }
  | { readonly kind: 'last-node-of-zone'; readonly node: NodeId; readonly zone: Zone }
  | { readonly kind: 'wrong-state'; readonly node: NodeId; readonly state: NodeState }
  | { readonly kind: 'unknown-node'; readonly node: NodeId }
  | {
      readonly kind: 'too-late';
      readonly deadline: EpochMillis;
      readonly availableMs: number;
      /** In half of all cases, and in nine of ten. */
      readonly p50Ms: number;
      readonly p90Ms: number;
    };

export interface Plan {
  readonly job: JobKind;
  readonly moves: readonly Move[];
  readonly bytesTotal: Bytes;
  /** No plan that reaches the same end can move less. */
  readonly bytesMinimum: Bytes;
  readonly blocks: readonly Block[];
}

/** What levelling requests did to a plan that levels bytes. */
export interface HeatLevelling {
  /** Of `bytesTotal`, what is exchanged for heat alone: above the minimum, for no node gains bytes by it. */
  readonly bytesForHeat: Bytes;
  /** The hottest node's accesses over what they should be, without and with it. */
  readonly hottestBefore: number;
  readonly hottestAfter: number;
}

/** A plan whose moves are written out one after the other: a million of them are never objects at once. */
export interface PlanDraft extends Omit<Plan, 'moves'> {
  readonly movesTotal: number;
  /** Of `bytesTotal`, what goes from one zone to another. */
  readonly bytesCrossZone: Bytes;
  /** Only of a plan that levels heat. */
  readonly heat?: HeatLevelling;
  /** In the plan's order; the same each time. */
  readonly moves: () => Iterable<Move>;
}

/** The plan with all its moves at hand. */
export const wholePlan = ({ job, bytesTotal, bytesMinimum, blocks, moves }: PlanDraft): Plan => ({
  job,
  moves: [...moves()],
  bytesTotal,
  bytesMinimum,
  blocks,
});
