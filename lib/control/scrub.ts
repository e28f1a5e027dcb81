import { createHash } from 'node:crypto';
import type { ChunkRecord } from '../contract/records.ts';
import { type ChunkId, nodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import type { DamagedSlot } from '../core/repair.ts';
import { readChunks, slotSha256 } from './chunks.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

/** Slots that one repair names: its job is read with every pacing. */
export const damagedPerJobMax = 200;

/**
 * Reads every slot of these chunks, not only as many as a read needs, and names those whose holder lacks the
 * bytes or has others. A holder that does not answer is not accused: the watch looks after it.
 */
export async function findDamage(
  ports: Ports,
  chunks: readonly ChunkId[],
): Promise<readonly DamagedSlot[]> {
  const nodes = await readNodes(ports.tables);
  const damaged: DamagedSlot[] = [];
  const records = await readChunks(ports.tables, chunks);
  for (const [i, chunk] of chunks.entries()) {
    const record = records[i];
    if (record?.state === 'live') damaged.push(...(await damageOf(ports, nodes, chunk, record)));
  }
  return damaged;
}

async function damageOf(
  ports: Ports,
  nodes: readonly NodeView[],
  chunk: ChunkId,
  record: ChunkRecord,
): Promise<readonly DamagedSlot[]> {
  const looks = record.holders.map(async (holder, slot): Promise<readonly DamagedSlot[]> => {
    const node = nodes.find(({ id }) => id === holder);
    if (node === undefined || !servesReads(node.state)) return [];
    const sha256 = slotSha256(record, slot);
    const isSound = await hasBytes(ports, node, chunk, sha256);
    return isSound ? [] : [{ chunk, slot, node: nodeId(holder) }];
  });
  return (await Promise.all(looks)).flat();
}

async function hasBytes(
  ports: Ports,
  node: NodeView,
  chunk: ChunkId,
  sha256: string,
): Promise<boolean> {
  try {
    const bytes = await ports.nodes.read(addressOf(node), chunk);
    return createHash('sha256').update(bytes).digest('hex') === sha256;
  } catch (error) {
    if (error instanceof NodeRefused) return error.reason !== 'not-held';
    if (error instanceof NodeUnreachable) return true;
    throw error;
  }
}
