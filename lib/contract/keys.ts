import {
  type BatchId,
  batchId,
  type ChunkId,
  type JobId,
  jobId,
  type NodeId,
  nodeId,
  type Zone,
  zone,
} from '../core/ids.ts';

/**
 * Every key of every table is built and parsed here.
 *
 * placement   C#<chunk>            C               chunk: the placement, the only truth
 *             N#<node>#L           L#<operation>   inventory: the chunks that one transaction placed there
 *             N#<node>             G#<k>           guard: a node's state and epoch, k copies of it
 *             F                    N#<node>        node: the fleet is one query
 *             J                    J#<job>         job
 *             J#<job>              P#<batch>       a batch that waits to be sent: its summary
 *             J#<job>              M#<batch>       the batch's moves, never changed
 *             J#<job>              B#<batch>       batch: where from, where to, and how it ended
 *             I                    B#<batch>       in flight
 *             I                    PACE            the pacing: its generation and what it remembers
 *             I                    HOLD#all        nothing is sent
 *             I                    HOLD#zone#<z>   no planned move from or to that zone is sent
 *             A                    R#<time>#<b>    how a batch fared, the newest first: what `adaptive` learns from
 *             I                    HOLD#event#<z>  the same, because AWS says that the zone is ill
 *             O#<node>             <operation>     outbox: source copies to delete once parking is over
 *             T                    <operation>     trash: chunks that no file names any more
 *             P                    P               policy set by operators
 *             S                    S               scaling: one decision in flight
 *             W                    W               what the watch saw last of each heartbeat
 *             W                    M               the last repair of what nodes found damaged on their disks
 *             E                    W#<operation>   event that waits to be told
 *             E                    T#<operation>   event that was told; for people who look
 *             U                    N#<node>        which notices of its machine's end were heeded
 *             U                    Z#<zone>        what AWS said last of a zone
 *             H#<week>             T#<ms>          history: what zones held, and what was decided
 * files       F#<shard>            <path>          file
 * heartbeats  N#<node>             H               heartbeat: the only item that nodes may write
 *             P                    T               throttle: the part of the policy that nodes read
 */
export type TableName = 'placement' | 'files' | 'heartbeats';

export interface Key {
  readonly table: TableName;
  readonly pk: string;
  readonly sk: string;
}

/** Copies of a node's guard: commits check one of them, so that they do not conflict with each other. */
export const guardCopies = 8;
export const fileShards = 16;

const placement = (pk: string, sk: string): Key => ({ table: 'placement', pk, sk });

/** FNV-1a, 32 bits: spreads ids over shards alike on every machine. */
export function spread(value: string, over: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < value.length; i++) {
    hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash % over;
}

export const chunkKey = (chunk: ChunkId): Key => placement(`C#${chunk}`, 'C');
const inventorySuffix = '#L';
export const inventoryPartition = (node: NodeId): string => `N#${node}${inventorySuffix}`;
export const inventoryKey = (node: NodeId, operation: string): Key =>
  placement(inventoryPartition(node), `L#${operation}`);
/** The node whose inventory a partition is, if it is one. */
export const nodeOfInventory = (pk: string): NodeId | undefined =>
  pk.startsWith('N#') && pk.endsWith(inventorySuffix)
    ? nodeId(pk.slice('N#'.length, -inventorySuffix.length))
    : undefined;

export const guardKey = (node: NodeId, copy: number): Key => placement(`N#${node}`, `G#${copy}`);

export const fleetPartition = 'F';
export const nodeKey = (node: NodeId): Key => placement(fleetPartition, `N#${node}`);
export const nodeOfKey = (sk: string): NodeId => nodeId(sk.slice('N#'.length));

export const jobPartition = 'J';
export const jobKey = (job: JobId): Key => placement(jobPartition, `J#${job}`);
export const jobOfKey = (sk: string): JobId => jobId(sk.slice('J#'.length));

export const batchPartition = (job: JobId): string => `J#${job}`;
export const batchKey = (job: JobId, batch: BatchId): Key =>
  placement(batchPartition(job), `B#${batch}`);
/** Its moves are an item of their own: what changes as it is carried stays small. */
export const movesKey = (job: JobId, batch: BatchId): Key =>
  placement(batchPartition(job), `M#${batch}`);
const pendingPrefix = 'P#';
export const pendingKey = (job: JobId, batch: BatchId): Key =>
  placement(batchPartition(job), `P#${batch}`);
/** A batch is named by its plan's attempt and its number in it. */
export const batchIdOf = (attempt: string, index: number): BatchId =>
  batchId(`${attempt}-${String(index).padStart(6, '0')}`);
/** Prefix of all pending batches of an attempt, or of the one that a batch is of. */
export const pendingPrefixOf = (attemptOrBatch: string): string =>
  `${pendingPrefix}${attemptOrBatch.split('-')[0]}`;
/** Of a pending batch, a batch or a flight. */
export const batchOfKey = (sk: string): BatchId => batchId(sk.slice('B#'.length));

export const flightPartition = 'I';
export const flightPrefix = 'B#';
export const flightKey = (batch: BatchId): Key => placement(flightPartition, `B#${batch}`);
export const paceKey: Key = placement(flightPartition, 'PACE');
/** Beside the flights, so that pacing reads it with them. */
export const holdPrefix = 'HOLD#';
export const holdAllKey: Key = placement(flightPartition, `${holdPrefix}all`);
export const holdZoneKey = (zone: Zone): Key =>
  placement(flightPartition, `${holdPrefix}zone#${zone}`);
/** Beside what operators hold: neither lifts the other's. */
export const holdEventPrefix = `${holdPrefix}event#`;
export const holdEventKey = (zone: Zone): Key =>
  placement(flightPartition, `${holdEventPrefix}${zone}`);
/** The zone that is held, or none: everything is. */
export const zoneOfHold = (sk: string): Zone | undefined =>
  sk === holdAllKey.sk ? undefined : zone(sk.slice(sk.lastIndexOf('#') + 1));

export const outcomePartition = 'A';
const epochMsMax = 99_999_999_999_999;
/** The newest come first. */
export const outcomeKey = (endedAt: number, batch: BatchId): Key =>
  placement(outcomePartition, `R#${epochMsMax - Math.round(endedAt)}#${batch}`);

export const outboxPartition = (node: NodeId): string => `O#${node}`;
export const outboxKey = (node: NodeId, operation: string): Key =>
  placement(outboxPartition(node), operation);

export const trashPartition = 'T';
export const trashKey = (operation: string): Key => placement(trashPartition, operation);

export const policyKey: Key = placement('P', 'P');
export const scalingKey: Key = placement('S', 'S');
export const watchKey: Key = placement('W', 'W');
export const mendKey: Key = placement('W', 'M');

export const eventPartition = 'E';
export const waitingEvents = 'W#';
export const toldEvents = 'T#';
export const waitingEventKey = (operation: string): Key =>
  placement(eventPartition, `${waitingEvents}${operation}`);
export const toldEventKey = (operation: string): Key =>
  placement(eventPartition, `${toldEvents}${operation}`);
/** Of a waiting or a told event. */
export const eventOfKey = (sk: string): string => sk.slice(toldEvents.length);

const noticePartition = 'U';
export const machineNoticeKey = (node: NodeId): Key => placement(noticePartition, `N#${node}`);
export const zoneNoticeKey = (zone: Zone): Key => placement(noticePartition, `Z#${zone}`);

const weekMs = 7 * 24 * 3_600_000;
const historyPartition = (week: number): string => `H#${week}`;
/** A week is a partition: a forecast of 14 days is three queries. */
export const historyKey = (at: number): Key =>
  placement(historyPartition(Math.floor(at / weekMs)), `T#${String(at).padStart(15, '0')}`);
/** Partitions of the history between two moments, oldest first. */
export function historyPartitions(from: number, to: number): string[] {
  const first = Math.floor(from / weekMs);
  const weeks = Math.max(0, Math.floor(to / weekMs) - first + 1);
  return Array.from({ length: weeks }, (_, week) => historyPartition(first + week));
}

export const filePartition = (shard: number): string => `F#${shard}`;
export const fileKey = (path: string): Key => ({
  table: 'files',
  pk: filePartition(spread(path, fileShards)),
  sk: path,
});

export const heartbeatKey = (node: NodeId): Key => ({
  table: 'heartbeats',
  pk: `N#${node}`,
  sk: 'H',
});

export const nodePolicyPartition = 'P';
export const nodePolicyKey: Key = { table: 'heartbeats', pk: nodePolicyPartition, sk: 'T' };
