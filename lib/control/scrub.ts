import { createHash } from 'node:crypto';
import type { DamagedCopy } from '../contract/agent.ts';
import type { JobRecord } from '../contract/job-records.ts';
import type { ChunkRecord } from '../contract/records.ts';
import { type ChunkId, chunkId, nodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import type { DamagedSlot } from '../core/repair.ts';
import { readChunks, slotSha256, slotSize } from './chunks.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { bytesPerMend } from './limits.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

/** Slots that one repair names: its job is read with every pacing. */
export const damagedPerJobMax = 200;

/** As its placement had it. */
export interface FoundSlot extends DamagedSlot {
  readonly version: number;
}

/** What a repair names. */
export const damagedOf = ({ damaged }: Pick<JobRecord, 'damaged'>): readonly FoundSlot[] =>
  damaged.map((each) => ({ ...each, chunk: chunkId(each.chunk), node: nodeId(each.node) }));

/**
 * Reads every slot of these chunks, not only as many as a read needs, and names those whose holder lacks the
 * bytes or has others. A holder that does not answer is not accused: the watch looks after it.
 */
export async function findDamage(
  ports: Ports,
  chunks: readonly ChunkId[],
): Promise<readonly FoundSlot[]> {
  const nodes = await readNodes(ports.tables);
  const damaged: FoundSlot[] = [];
  const records = await readChunks(ports.tables, chunks);
  for (const [i, chunk] of chunks.entries()) {
    const record = records[i];
    if (record?.state === 'live') damaged.push(...(await damageOf(ports, nodes, chunk, record)));
  }
  return damaged;
}

/** A slot of which its holder says itself that it is damaged. */
export interface OwnedDamage {
  readonly chunk: ChunkId;
  readonly node: NodeView;
  readonly reason: DamagedCopy['reason'];
}

/**
 * Of what nodes say of their own copies, what the placement names and what is so: each is read once, one after the
 * other, and no more than {@link bytesPerMend} in all. Where the disk does not give the bytes, an answer that
 * breaks off is what was said.
 */
export async function confirmDamage(
  ports: Ports,
  owned: readonly OwnedDamage[],
): Promise<readonly FoundSlot[]> {
  const records = await readChunks(
    ports.tables,
    owned.map(({ chunk }) => chunk),
  );
  const damaged: FoundSlot[] = [];
  let bytes = 0;
  for (const [i, { chunk, node, reason }] of owned.entries()) {
    const record = records[i];
    const slot = record?.state === 'live' ? record.holders.indexOf(node.id) : -1;
    if (record === undefined || slot < 0) continue;
    bytes += slotSize(record);
    if (bytes > bytesPerMend) break;
    const found = await lookAt(ports, node, chunk, slotSha256(record, slot));
    const isSo = found === 'damaged' || (found === 'unknown' && reason === 'unreadable');
    if (isSo) damaged.push({ chunk, slot, node: node.id, version: record.version });
  }
  return damaged;
}

/**
 * Of slots that were found damaged, those that may still be: where the placement has changed since, the slot may have
 * been mended in place, and what its holder has now is read.
 */
export async function stillDamaged(
  ports: Ports,
  found: readonly FoundSlot[],
): Promise<readonly FoundSlot[]> {
  if (found.length === 0) return [];
  const nodes = await readNodes(ports.tables);
  const records = await readChunks(
    ports.tables,
    found.map(({ chunk }) => chunk),
  );
  const still: FoundSlot[] = [];
  for (const [i, each] of found.entries()) {
    const record = records[i];
    if (record?.state !== 'live' || record.holders[each.slot] !== each.node) continue;
    const holder = nodes.find(({ id }) => id === each.node);
    const isMended =
      record.version !== each.version &&
      holder !== undefined &&
      (await lookAt(ports, holder, each.chunk, slotSha256(record, each.slot))) === 'sound';
    if (!isMended) still.push({ ...each, version: record.version });
  }
  return still;
}

async function damageOf(
  ports: Ports,
  nodes: readonly NodeView[],
  chunk: ChunkId,
  record: ChunkRecord,
): Promise<readonly FoundSlot[]> {
  const { version } = record;
  const looks = record.holders.map(async (holder, slot): Promise<readonly FoundSlot[]> => {
    const node = nodes.find(({ id }) => id === holder);
    if (node === undefined || !servesReads(node.state)) return [];
    const sha256 = slotSha256(record, slot);
    const found = await lookAt(ports, node, chunk, sha256);
    return found === 'damaged' ? [{ chunk, slot, node: nodeId(holder), version }] : [];
  });
  return (await Promise.all(looks)).flat();
}

async function lookAt(
  ports: Ports,
  node: NodeView,
  chunk: ChunkId,
  sha256: string,
): Promise<'sound' | 'damaged' | 'unknown'> {
  try {
    const bytes = await ports.nodes.read(addressOf(node), chunk);
    return createHash('sha256').update(bytes).digest('hex') === sha256 ? 'sound' : 'damaged';
  } catch (error) {
    if (error instanceof NodeRefused) return error.reason === 'not-held' ? 'damaged' : 'unknown';
    if (error instanceof NodeUnreachable) return 'unknown';
    throw error;
  }
}
