import { type BatchRecord, JobRecord, type MoveRecord } from '../contract/job-records.ts';
import { flightKey, jobKey } from '../contract/keys.ts';
import { type BatchId, chunkId, type JobId } from '../core/ids.ts';
import { readChunks } from './chunks.ts';
import { collectFrom } from './collect.ts';
import { readNodes } from './fleet.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

/** A batch of which some moves were not committed. */
export interface ShortBatch {
  readonly id: BatchId;
  readonly batch: Pick<BatchRecord, 'to'>;
  readonly moves: readonly MoveRecord[];
}

/**
 * After a batch was cancelled under its worker, or ended short: the copies that its destination made and nobody
 * committed are deleted, each after its placement's version has risen, as {@link collectFrom} does. What the node
 * does not answer for now is collected as an orphan, a day later.
 */
export async function takeBackCopies(
  ports: Ports,
  { id, batch, moves }: ShortBatch,
): Promise<void> {
  const [flying] = await ports.tables.get([flightKey(id)]);
  // A newer message carries the batch: its copies are on their way to be committed.
  if (flying !== undefined) return;
  const to = (await readNodes(ports.tables)).find((node) => node.id === batch.to);
  if (to === undefined) return;
  const chunks = moves.map(({ chunk }) => chunkId(chunk));
  const records = await readChunks(ports.tables, chunks);
  const copies = chunks.flatMap((chunk, i) => {
    const record = records[i];
    return record === undefined ? [] : [{ chunk, epoch: record.version + 1 }];
  });
  try {
    const taken = await collectFrom(ports, to, copies);
    ports.log('cancelled-copies-deleted', { batch: id, copies: taken });
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    ports.log('orphans-left', { node: to.id, chunks: copies.length, reason: error.message });
  }
}

/**
 * Of a batch that its worker ended short. A job that runs plans what is left anew, and finds the copies there; one
 * that was cancelled meanwhile leaves them to nobody.
 */
export async function takeBackUnlessRunning(
  ports: Ports,
  job: JobId,
  short: ShortBatch,
): Promise<void> {
  const [item] = await ports.tables.get([jobKey(job)]);
  if (item !== undefined && JobRecord.parse(item).state === 'running') return;
  await takeBackCopies(ports, short);
}
