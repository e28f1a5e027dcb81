import { createHash } from 'node:crypto';
import type { ChunkRecord } from '../contract/records.ts';
import { decodeChunk } from '../core/erasure-code.ts';
import type { ChunkId } from '../core/ids.ts';
import { servesReads, takesCopies } from '../core/lifecycle.ts';
import { readChunks, slotSha256 } from './chunks.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

/** Too few holders that the placement names gave the chunk's bytes. */
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
 * A chunk's bytes, checked against the placement's checksum: from one good copy, or from any k good shards.
 * `known` may be an old reading of the placement: when its holders fail, the placement is read again.
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

/** A slot, and the node that should have it. */
interface Seat {
  readonly slot: number;
  readonly holder: NodeView;
}

async function readFromHolders(
  ports: Ports,
  nodes: readonly NodeView[],
  chunk: ChunkId,
  record: ChunkRecord,
  failures: string[],
): Promise<Uint8Array | undefined> {
  const { redundancy, size, sha256 } = record;
  const needed = redundancy.kind === 'erasure' ? redundancy.data : 1;
  const seats = readersFirst(nodes, chunk, record);
  const found = new Map<number, Uint8Array>();
  while (found.size < needed) {
    const asked = seats.splice(0, needed - found.size);
    if (asked.length === 0) return undefined;
    const answers = asked.map((seat) => readSlot(ports, seat, chunk, record, failures));
    for (const [i, bytes] of (await Promise.all(answers)).entries()) {
      if (bytes !== undefined) found.set(asked[i]!.slot, bytes);
    }
  }
  if (redundancy.kind === 'replicated') return [...found.values()][0];
  const whole = decodeChunk(found, redundancy, size);
  if (sha256Of(whole) === sha256) return whole;
  failures.push(`slots ${[...found.keys()].join(', ')} make another chunk`);
  return undefined;
}

/** What the node gives, if it is what the placement promises of the slot. */
async function readSlot(
  ports: Ports,
  { slot, holder }: Seat,
  chunk: ChunkId,
  record: ChunkRecord,
  failures: string[],
): Promise<Uint8Array | undefined> {
  try {
    const bytes = await ports.nodes.read(addressOf(holder), chunk);
    if (sha256Of(bytes) === slotSha256(record, slot)) return bytes;
    failures.push(`${holder.id}: wrong checksum`);
  } catch (error) {
    if (!(error instanceof NodeRefused || error instanceof NodeUnreachable)) throw error;
    failures.push(`${holder.id}: ${error.message}`);
  }
  return undefined;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Nodes that stay before nodes that leave; at last those that are called dead: one that was only cut off
 * still has its slots. Among them copies are spread by chunk, so that no slot is everyone's first; of shards
 * those of data come first, which need no decoding.
 */
function readersFirst(nodes: readonly NodeView[], chunk: ChunkId, record: ChunkRecord): Seat[] {
  const { holders, redundancy } = record;
  const turn =
    redundancy.kind === 'erasure' ? 0 : Number.parseInt(chunk.slice(0, 4), 16) % holders.length;
  const turned = holders.map((_, i) => (i + turn) % holders.length);
  const known = turned.flatMap((slot): Seat[] => {
    const holder = nodes.find(({ id }) => id === holders[slot]);
    return holder === undefined ? [] : [{ slot, holder }];
  });
  return [
    ...known.filter(({ holder }) => takesCopies(holder.state)),
    ...known.filter(({ holder }) => servesReads(holder.state) && !takesCopies(holder.state)),
    ...known.filter(({ holder }) => holder.state === 'dead'),
  ];
}
