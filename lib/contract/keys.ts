import {
  type BatchId,
  batchId,
  type ChunkId,
  chunkId,
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
 *             N#<node>#<shard>     C#<chunk>       inventory: written in the chunk's own transaction
 *             N#<node>             G#<k>           guard: a node's state and epoch, k copies of it
 *             F                    N#<node>        node: the fleet is one query
 *             J                    J#<job>         job
 *             J#<job>              P#<batch>       a batch that waits to be sent: its summary
 *             J#<job>              B#<batch>       batch: its moves and how they ended
 *             I                    B#<batch>       in flight
 *             I                    PACE            the pacing: its generation and what it remembers
 *             I                    HOLD#all        nothing is sent
 *             I                    HOLD#zone#<z>   no planned move from or to that zone is sent
 *             A                    R#<time>#<b>    how a batch fared, the newest first: what `adaptive` learns from
 *             O#<node>             <operation>     outbox: source copies to delete once parking is over
 *             T                    <operation>     trash: chunks that no file names any more
 *             P                    P               policy set by operators
 *             S                    S               scaling: one decision in flight
 *             W                    W               what the watch saw last of each heartbeat
 * files       F#<shard>            <path>          file
 * heartbeats  N#<node>             H               heartbeat: the only item that nodes may write
 */
export type TableName = 'placement' | 'files' | 'heartbeats';

export interface Key {
  readonly table: TableName;
  readonly pk: string;
  readonly sk: string;
}

/**
 * Partitions that one node's inventory is spread over. A partition takes 1,000 writes a second, so four take
 * the commits of 4,000 small chunks a second on one node; each shard costs every pass a query.
 */
export const inventoryShards = 4;
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
export const inventoryPartition = (node: NodeId, shard: number): string => `N#${node}#${shard}`;
export const inventoryKey = (node: NodeId, chunk: ChunkId): Key =>
  placement(inventoryPartition(node, spread(chunk, inventoryShards)), `C#${chunk}`);
export const chunkOfInventory = (sk: string): ChunkId => chunkId(sk.slice('C#'.length));

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
/** The zone that is held, or none: everything is. */
export const zoneOfHold = (sk: string): Zone | undefined =>
  sk === holdAllKey.sk ? undefined : zone(sk.slice(`${holdPrefix}zone#`.length));

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
