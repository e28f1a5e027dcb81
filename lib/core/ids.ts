/** Names of things. A brand keeps a node's id from being passed where a chunk's is meant. */
declare const id: unique symbol;
type Id<Name extends string> = string & { readonly [id]: Name };

export type NodeId = Id<'NodeId'>;
export type ChunkId = Id<'ChunkId'>;
export type Zone = Id<'Zone'>;
export type JobId = Id<'JobId'>;
export type BatchId = Id<'BatchId'>;

export const nodeId = (value: string): NodeId => value as NodeId;
export const chunkId = (value: string): ChunkId => value as ChunkId;
export const zone = (value: string): Zone => value as Zone;
export const jobId = (value: string): JobId => value as JobId;
export const batchId = (value: string): BatchId => value as BatchId;

/** Orders by code unit, so that equal inputs give equal plans on every machine and locale. */
export const byCodeUnit = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;
