import * as z from 'zod/mini';
import { nodeClasses } from '../core/fleet.ts';
import { nodeStates } from '../core/lifecycle.ts';
import { Stats } from './agent.ts';
import { RedundancyRecord } from './redundancy.ts';

/** What the tables' items hold, keys aside. Parsed where an item is read; a wrong one is named. */

const count = z.number().check(z.nonnegative());
const text = z.string();

export const ChunkRecord = z.object({
  /** A removed chunk leaves a tombstone, so that no late commit brings it back. */
  state: z.enum(['live', 'removed']),
  size: count,
  sha256: text,
  kind: z.enum(['data', 'metadata']),
  redundancy: RedundancyRecord,
  /** SHA-256 of each slot's bytes, by slot; empty where every slot holds the whole chunk. */
  shards: z._default(z.array(text), []),
  /** Node ids; the index is the slot. */
  holders: z.array(text),
  version: count,
  lastOp: text,
});
export type ChunkRecord = z.infer<typeof ChunkRecord>;

/** Chunks that one transaction placed on a node; never changed, so some may have left it since. */
export const InventoryRecord = z.object({ chunks: z.array(text) });
export type InventoryRecord = z.infer<typeof InventoryRecord>;

export const GuardRecord = z.object({ state: z.enum(nodeStates), epoch: count });
export type GuardRecord = z.infer<typeof GuardRecord>;

export const NodeRecord = z.object({
  state: z.enum(nodeStates),
  /** Rises each time a node joins the fleet or starts to drain; commits are fenced by it. */
  epoch: count,
  zone: text,
  class: z.enum(nodeClasses),
  capacity: count,
  /** Idempotency token of the launch; the record is the launch's ledger and is written first. */
  launchToken: text,
  /** The job that last changed the state. */
  job: text,
  /** EC2 instance id and `host:port`; empty until known. */
  instance: text,
  address: text,
  /** Names the disk's contents: another one means that what the node held is lost. Empty until it joins. */
  incarnation: text,
  /** Epoch milliseconds of the last change of state. */
  since: count,
  lastOp: text,
});
export type NodeRecord = z.infer<typeof NodeRecord>;

/** Notices of a node's machine that were heeded: the moment of the last one of each kind. */
export const MachineNoticeRecord = z.object({ heard: z.record(text, count), lastOp: text });
export type MachineNoticeRecord = z.infer<typeof MachineNoticeRecord>;

/** Epoch milliseconds of AWS's last word of each kind: older ones that come later say nothing. */
export const ZoneNoticeRecord = z.object({ impairedAt: count, recoveredAt: count, lastOp: text });
export type ZoneNoticeRecord = z.infer<typeof ZoneNoticeRecord>;

export const OutboxRecord = z.object({
  chunks: z.array(text),
  /**
   * Versions of the chunks' tombstones, in their order: a removed chunk never comes back, so its copies go
   * without another look. Empty for chunks that moved away: their placement is read again.
   */
  versions: z.array(count),
  /** Of chunks that moved away: the slots that the node held, in their order. */
  slots: z._default(z.array(count), []),
  /** Epoch milliseconds of the commit that moved them away; 0 where none did. */
  movedAt: z._default(count, 0),
  /** The job that moved them away, if one did: undone, it gives them back. */
  job: z._default(text, ''),
  /** Epoch milliseconds by the clock of the writer; parking is much longer than clocks differ. */
  notBefore: count,
  lastOp: z._default(text, ''),
});
export type OutboxRecord = z.infer<typeof OutboxRecord>;

/** Chunks that no file names any more, or (as the intent of a long upload) not yet. */
export const TrashRecord = z.object({
  chunks: z.array(text),
  /** Pieces of manifests: what they name goes first, then they. */
  manifests: z._default(z.array(text), []),
  notBefore: count,
  /** Who empties it has so long; a claim saves work done twice and is trusted for nothing. */
  claimedUntil: count,
});
export type TrashRecord = z.infer<typeof TrashRecord>;

export const ScalingRecord = z.object({
  generation: count,
  lastOutAt: count,
  lastInAt: count,
  /** When a shrinking was last tried on the whole placement and refused: that read costs. */
  lastTrialAt: z._default(count, 0),
  /** When the history was last written to. */
  sampledAt: z._default(count, 0),
  /** Since when the fullest zone is above the high mark, below the low one; 0 while it is not. */
  highSince: z._default(count, 0),
  lowSince: z._default(count, 0),
  job: text,
  decision: text,
  reasons: z.array(text),
  decidedAt: count,
});
export type ScalingRecord = z.infer<typeof ScalingRecord>;

/** One look at the fleet: what its zones held, what the planner advised, what was decided and why. */
export const HistoryRecord = z.object({
  /** Epoch milliseconds. */
  at: count,
  zones: z.array(
    z.object({
      zone: text,
      usedBytes: count,
      capacityBytes: count,
      nodes: count,
      advice: z.enum(['add', 'remove', 'keep']),
      adviceNodes: count,
    }),
  ),
  decision: z.enum(['scale-out', 'scale-in', 'hold']),
  reasons: z.array(text),
  /** The job that was started; empty for none. */
  job: text,
});
export type HistoryRecord = z.infer<typeof HistoryRecord>;

export const WatchRecord = z.object({
  /** By node: the sequence number seen and when this watch first saw it. */
  seen: z.record(text, z.object({ seq: count, since: count })),
});
export type WatchRecord = z.infer<typeof WatchRecord>;

/** Rises with each repair that the watch starts for damaged copies: of two watches one starts it. */
export const MendRecord = z.object({ generation: count, lastOp: text });
export type MendRecord = z.infer<typeof MendRecord>;

/** A chunk as a file's record or its manifest names it. */
export const FileChunk = z.object({ id: text, size: count });
export type FileChunk = z.infer<typeof FileChunk>;

export const FileRecord = z.object({
  size: count,
  sha256: text,
  mode: count,
  /** Epoch milliseconds; below 0 before 1970. */
  modifiedAt: z.number(),
  /** In the file's order; none while there is a manifest. */
  chunks: z.array(FileChunk),
  /** Metadata chunks that name the file's chunks, in its order, where the record has no room for them. */
  manifest: z._default(z.array(FileChunk), []),
  version: count,
  lastOp: text,
});
export type FileRecord = z.infer<typeof FileRecord>;

/** What a node says of itself, and when: its statistics under the key that names it. */
export const HeartbeatRecord = z.extend(z.omit(Stats, { node: true, instance: true, zone: true }), {
  /** Epoch milliseconds by the node's clock, and a number that rises: clocks of two machines never agree. */
  at: count,
  seq: count,
  port: count,
});
export type HeartbeatRecord = z.infer<typeof HeartbeatRecord>;
