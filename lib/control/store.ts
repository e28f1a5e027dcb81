import { createHash } from 'node:crypto';
import { encodeShards } from '../core/erasure-code.ts';
import type { ChunkKind, Redundancy } from '../core/fleet.ts';
import { type ChunkId, chunkId, type NodeId } from '../core/ids.ts';
import { takesCopies } from '../core/lifecycle.ts';
import { placeWrite } from '../core/place-write.ts';
import type { Block } from '../core/plan.ts';
import { bytes } from '../core/units.ts';
import { takeBack } from './collect.ts';
import { addressOf, type NodeView, type NodeWithBeat } from './fleet.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

export interface NewChunk {
  readonly chunk: ChunkId;
  readonly bytes: Uint8Array;
  /** Lower-case hex. */
  readonly sha256: string;
  /** @default 'data' */
  readonly kind?: ChunkKind;
}

/** A chunk whose copies are durable on their nodes, and committed nowhere yet. */
export interface PlacedChunk {
  readonly chunk: ChunkId;
  readonly size: number;
  readonly sha256: string;
  readonly kind: ChunkKind;
  readonly redundancy: Redundancy;
  /** SHA-256 of each slot's bytes, by slot; empty where every slot holds the whole chunk. */
  readonly shards: readonly string[];
  /** The index is the slot. Each as it was read: the commit is fenced by its epoch. */
  readonly holders: readonly NodeView[];
}

/** No set of nodes can take the chunk now. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
  readonly blocks: readonly Block[];
  /** `cause`: why nodes that had room did not take it, if any failed. */
  constructor(blocks: readonly Block[], cause?: unknown) {
    const failed = cause instanceof Error ? `; ${cause.message}` : '';
    super(`no nodes can take the chunk: ${blocks.map(({ kind }) => kind).join(', ')}${failed}`, {
      cause,
    });
    this.blocks = blocks;
  }
}

/** A new chunk's version is 1: its copies carry the epoch of the commit that will name them. */
const firstEpoch = 1;
/** Sets of holders tried before a chunk is given up: each try drops the nodes that failed. */
const placingsMax = 4;

/** The id of a file's n-th chunk: never used again, whatever becomes of the file. */
export const chunkIdOf = (file: string, index: number): ChunkId =>
  chunkId(createHash('sha256').update(`${file}#${index}`).digest('hex'));

/** The bytes of one slot, and their SHA-256. */
interface SlotBytes {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** A node that durably has a slot's bytes. */
interface Seat {
  readonly holder: NodeView;
  readonly slot: number;
}

/**
 * Puts a chunk on as many nodes as its rule wants, durably: whole copies, or the shards of its code. Chunks
 * with the same `seed` share holders, so that one commit checks few guards; under the policy `hash` the
 * chunk's own id is the seed.
 *
 * @param redundancy @default the policy's
 * @throws NoRoom, NodeRefused, NodeUnreachable, having left nothing on nodes that answer
 */
export async function storeChunk(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  chunk: NewChunk,
  seed: string,
  redundancy: Redundancy = ports.policy.redundancy,
): Promise<PlacedChunk> {
  const slots = slotsOf(chunk, redundancy);
  const refused = new Set<NodeId>();
  const seats = new Map<NodeId, Seat>();
  let failure: unknown;
  for (let placing = 1; ; placing++) {
    const chosen = choose(ports, fleet, chunk, { seed, redundancy, refused });
    if (chosen.kind === 'blocked') {
      await takeBackOthers(ports, chunk.chunk, seats, []);
      throw new NoRoom(chosen.blocks, failure);
    }
    const { nodes } = chosen;
    for (const id of seats.keys()) if (!nodes.some((node) => node.id === id)) refused.add(id);
    const holders = seated(nodes, seats);
    const errors = await putMissing(ports, chunk.chunk, slots, holders, seats);
    if (errors.length === 0) {
      await takeBackOthers(ports, chunk.chunk, seats, holders);
      return placed(chunk, slots, redundancy, holders);
    }
    for (const { node, reason } of errors) {
      if (!isOfNode(reason) || placing === placingsMax) {
        await takeBackOthers(ports, chunk.chunk, seats, []);
        throw reason;
      }
      refused.add(node);
      failure = reason;
    }
  }
}

function slotsOf({ bytes: whole, sha256 }: NewChunk, redundancy: Redundancy): readonly SlotBytes[] {
  if (redundancy.kind === 'replicated') {
    return Array.from({ length: redundancy.copies }, () => ({ bytes: whole, sha256 }));
  }
  return encodeShards(whole, redundancy).map((shard) => ({
    bytes: shard,
    sha256: createHash('sha256').update(shard).digest('hex'),
  }));
}

/** Whoever has a slot keeps it: no node is ever sent two shards of one chunk. */
function seated(
  chosen: readonly NodeView[],
  seats: ReadonlyMap<NodeId, Seat>,
): readonly NodeView[] {
  const newcomers = chosen.filter(({ id }) => !seats.has(id)).values();
  return chosen.map((_, slot) => {
    const kept = chosen.find(({ id }) => seats.get(id)?.slot === slot);
    return kept ?? newcomers.next().value!;
  });
}

async function putMissing(
  ports: Ports,
  chunk: ChunkId,
  slots: readonly SlotBytes[],
  holders: readonly NodeView[],
  seats: Map<NodeId, Seat>,
): Promise<readonly { readonly node: NodeId; readonly reason: unknown }[]> {
  const missing = holders
    .map((holder, slot) => ({ holder, slot }))
    .filter(({ holder }) => !seats.has(holder.id));
  const answers = await Promise.allSettled(
    missing.map(({ holder, slot }) =>
      ports.nodes.put(addressOf(holder), { chunk, ...slots[slot]!, slot, epoch: firstEpoch }),
    ),
  );
  return answers.flatMap((answer, i) => {
    const seat = missing[i]!;
    if (answer.status === 'rejected') return [{ node: seat.holder.id, reason: answer.reason }];
    seats.set(seat.holder.id, seat);
    return [];
  });
}

const placed = (
  { chunk, bytes: whole, sha256, kind = 'data' }: NewChunk,
  slots: readonly SlotBytes[],
  redundancy: Redundancy,
  holders: readonly NodeView[],
): PlacedChunk => ({
  ...{ chunk, size: whole.length, sha256, kind, redundancy, holders },
  shards: redundancy.kind === 'erasure' ? slots.map((slot) => slot.sha256) : [],
});

/** Copies of earlier tries that no commit will name: nobody else knows this chunk yet. */
const takeBackOthers = (
  ports: Ports,
  chunk: ChunkId,
  seats: ReadonlyMap<NodeId, Seat>,
  holders: readonly NodeView[],
): Promise<void> => {
  const named = new Set(holders.map(({ id }) => id));
  const others = [...seats.values()].map(({ holder }) => holder).filter(({ id }) => !named.has(id));
  return takeBack(ports, others, { chunk, version: firstEpoch });
};

const isOfNode = (reason: unknown): boolean =>
  reason instanceof NodeRefused || reason instanceof NodeUnreachable;

interface Wish {
  readonly seed: string;
  readonly redundancy: Redundancy;
  readonly refused: ReadonlySet<NodeId>;
}

function choose(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  chunk: NewChunk,
  { seed, redundancy, refused }: Wish,
): { readonly kind: 'chosen'; readonly nodes: readonly NodeView[] } | Blocked {
  const { placement, fillHard } = ports.policy;
  const candidates = fleet.filter((node) => takesCopies(node.state) && !refused.has(node.id));
  const rooms = candidates.map((node) => ({
    id: node.id,
    zone: node.zone,
    class: node.class,
    capacity: bytes(node.capacity),
    used: bytes(node.beat?.usedBytes ?? 0),
  }));
  const size = bytes(chunk.bytes.length);
  const choice = placeWrite(rooms, {
    size,
    kind: chunk.kind ?? 'data',
    redundancy,
    seed: placement === 'hash' ? chunk.chunk : seed,
    fillHard,
    placement,
  });
  if (choice.kind === 'blocked') return choice;
  const nodes = choice.holders.map((holder) => candidates.find(({ id }) => id === holder)!);
  return { kind: 'chosen', nodes };
}

interface Blocked {
  readonly kind: 'blocked';
  readonly blocks: readonly Block[];
}

/**
 * Deletes the copies of chunks of which no commit was ever tried: only their writer knows them. What a node
 * does not answer for is collected later.
 */
export async function takeBackUncommitted(
  ports: Ports,
  placed: readonly PlacedChunk[],
): Promise<void> {
  const byHolder = new Map<NodeId, { holder: NodeView; chunks: ChunkId[] }>();
  for (const { chunk, holders } of placed) {
    for (const holder of holders) {
      const known = byHolder.get(holder.id) ?? { holder, chunks: [] };
      byHolder.set(holder.id, { holder, chunks: [...known.chunks, chunk] });
    }
  }
  await Promise.allSettled(
    [...byHolder.values()].map(({ holder, chunks }) =>
      ports.nodes.remove(
        addressOf(holder),
        chunks.map((chunk) => ({ chunk, version: firstEpoch })),
      ),
    ),
  );
}
