import { outboxPartition } from '../contract/keys.ts';
import { OutboxRecord } from '../contract/records.ts';
import type { NodeId } from '../core/ids.ts';
import { queryAll } from './pages.ts';
import type { Tables } from './ports.ts';

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
