import { outboxPartition } from '../contract/keys.ts';
import { OutboxRecord } from '../contract/records.ts';
import { type ChunkId, chunkId, type NodeId } from '../core/ids.ts';
import { queryAll } from './pages.ts';
import type { Item, Tables } from './ports.ts';

/** A row of an outbox: copies that the node keeps until `notBefore`, and then loses. */
export interface ParkedRow extends Omit<OutboxRecord, 'chunks'> {
  readonly operation: string;
  readonly chunks: readonly ChunkId[];
}

export function parkedRow(item: Item): ParkedRow {
  const record = OutboxRecord.parse(item);
  return { ...record, operation: item.sk, chunks: record.chunks.map(chunkId) };
}

/**
 * Chunks of which a node keeps a parked copy: readers with an old view may still come for it, so nobody but
 * the sweeper deletes it. Read after the chunks' placements, none is missed: a commit writes both.
 *
 * @param after only rows whose parking ends later, epoch milliseconds
 */
export async function parkedOn(
  tables: Tables,
  node: NodeId,
  after = 0,
): Promise<ReadonlySet<string>> {
  const rows = await queryAll(tables, 'placement', outboxPartition(node));
  const records = rows.map((row) => OutboxRecord.parse(row));
  return new Set(records.filter(({ notBefore }) => notBefore > after).flatMap((row) => row.chunks));
}
