import { createHash } from 'node:crypto';
import type { ChunkRecord } from '../contract/records.ts';
import type { ChunkId } from '../core/ids.ts';
import { servesReads, takesCopies } from '../core/lifecycle.ts';
import { holdersOf, readChunks } from './chunks.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

/** No holder that the placement names gave the chunk's bytes. */
export class ChunkUnreadable extends Error {
  override readonly name = 'ChunkUnreadable';
}
/** The placement knows no such chunk, or it was removed. */
export class ChunkGone extends Error {
  override readonly name = 'ChunkGone';
}

/** Readings of the placement before a chunk is called unreadable: the first may be old. */
const readingsMax = 3;

/**
 * A chunk's bytes, checked against the placement's checksum. `known` may be an old reading of the
 * placement: when its holders fail, the placement is read again.
 *
 * @throws ChunkUnreadable, ChunkGone
 */
export async function readChunk(
  ports: Ports,
  fleet: readonly NodeView[],
  chunk: ChunkId,
  known?: ChunkRecord,
): Promise<Uint8Array> {
  let record = known;
  let nodes = fleet;
  const failures: string[] = [];
  for (let reading = 1; reading <= readingsMax; reading++) {
    if (record === undefined) [record] = await readChunks(ports.tables, [chunk]);
    if (record === undefined || record.state === 'removed')
      throw new ChunkGone(`no chunk ${chunk}`);
    const bytes = await readFromHolders(ports, nodes, chunk, record, failures);
    if (bytes !== undefined) return bytes;
    record = undefined;
    nodes = await readNodes(ports.tables);
  }
  throw new ChunkUnreadable(`chunk ${chunk}: ${failures.join('; ')}`);
}

async function readFromHolders(
  ports: Ports,
  nodes: readonly NodeView[],
  chunk: ChunkId,
  record: ChunkRecord,
  failures: string[],
): Promise<Uint8Array | undefined> {
  for (const holder of readersFirst(nodes, chunk, record)) {
    try {
      const bytes = await ports.nodes.read(addressOf(holder), chunk);
      if (createHash('sha256').update(bytes).digest('hex') === record.sha256) return bytes;
      failures.push(`${holder.id}: wrong checksum`);
    } catch (error) {
      if (!(error instanceof NodeRefused || error instanceof NodeUnreachable)) throw error;
      failures.push(`${holder.id}: ${error.message}`);
    }
  }
  return undefined;
}

/**
 * Nodes that stay before nodes that leave; among them, spread by chunk so that no slot is everyone's first.
 * At last those that are called dead: one that was only cut off still has its copies.
 */
function readersFirst(
  nodes: readonly NodeView[],
  chunk: ChunkId,
  record: ChunkRecord,
): readonly NodeView[] {
  const first = Number.parseInt(chunk.slice(0, 4), 16);
  const holders = holdersOf(record);
  const turned = holders.map((_, i) => holders[(i + first) % holders.length]!);
  const known = turned.flatMap((id) => nodes.filter((node) => node.id === id));
  return [
    ...known.filter(({ state }) => takesCopies(state)),
    ...known.filter(({ state }) => servesReads(state) && !takesCopies(state)),
    ...known.filter(({ state }) => state === 'dead'),
  ];
}
