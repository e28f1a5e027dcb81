import type { PullChunk } from '../control/ports.ts';
import { rebuildShard } from '../core/erasure-code.ts';
import type { ChunkId, NodeId } from '../core/ids.ts';
import type { PullFailure } from './pull-outcome.ts';

/** One way to a slot's bytes, tried when its turn comes. */
export type Way = () => Uint8Array | PullFailure;

export interface Journey {
  /** What arrives of a chunk's bytes on a node, or why nothing does. */
  readonly read: (node: NodeId, chunk: ChunkId) => Uint8Array | PullFailure;
  readonly matches: (bytes: Uint8Array, sha256: string) => boolean;
}

/** Every way to what is wanted, in the order in which an agent tries them. */
export function waysTo(wanted: PullChunk, journey: Journey): Way[] {
  const { chunk, holders, rebuild } = wanted;
  const copies = holders.map((holder) => () => sentBy(holder, chunk, wanted.sha256, journey));
  if (rebuild === undefined) return copies;
  const rebuilding = () => rebuilt(wanted, rebuild, journey);
  return rebuild.when === 'first' ? [rebuilding, ...copies] : [...copies, rebuilding];
}

function sentBy(
  holder: NodeId,
  chunk: ChunkId,
  sha256: string,
  { read, matches }: Journey,
): Uint8Array | PullFailure {
  const came = read(holder, chunk);
  return typeof came === 'string' || matches(came, sha256) ? came : 'checksum';
}

function rebuilt(
  { chunk, slot }: PullChunk,
  { data, parity, shards }: NonNullable<PullChunk['rebuild']>,
  journey: Journey,
): Uint8Array | PullFailure {
  const found = new Map<number, Uint8Array>();
  let failure: PullFailure = 'source-lacks-it';
  for (const shard of shards) {
    if (found.size === data) break;
    const came = sentBy(shard.node, chunk, shard.sha256, journey);
    if (typeof came === 'string') failure = came;
    else found.set(shard.slot, came);
  }
  if (found.size < data) return failure;
  return rebuildShard({ data, parity }, slot, [...found.keys()], [...found.values()]);
}
