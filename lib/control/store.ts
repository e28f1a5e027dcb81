import { createHash } from 'node:crypto';
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
}

/** A chunk whose copies are durable on their nodes, and committed nowhere yet. */
export interface PlacedChunk {
  readonly chunk: ChunkId;
  readonly size: number;
  readonly sha256: string;
  readonly kind: ChunkKind;
  readonly redundancy: Redundancy;
  /** The index is the slot. Each as it was read: the commit is fenced by its epoch. */
  readonly holders: readonly NodeView[];
}

/** No set of nodes can take the chunk now. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
  readonly blocks: readonly Block[];
  constructor(blocks: readonly Block[]) {
    super(`no nodes can take the chunk: ${blocks.map((block) => block.kind).join(', ')}`);
    this.blocks = blocks;
  }
}

/** A new chunk's version is 1: its copies carry the epoch of the commit that will name them. */
const firstEpoch = 1;
/** Sets of holders tried before a chunk is given up: each try drops the nodes that failed. */
const placingsMax = 4;

export const redundancyDefault: Redundancy = { kind: 'replicated', copies: 3 };

/** The id of a file's n-th chunk: never used again, whatever becomes of the file. */
export const chunkIdOf = (file: string, index: number): ChunkId =>
  chunkId(createHash('sha256').update(`${file}#${index}`).digest('hex'));

/**
 * Puts a chunk on as many nodes as its rule wants, durably. Chunks with the same `seed` share holders, so
 * that one commit checks few guards.
 *
 * @throws NoRoom, NodeRefused, NodeUnreachable
 */
export async function storeChunk(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  chunk: NewChunk,
  seed: string,
  redundancy: Redundancy = redundancyDefault,
): Promise<PlacedChunk> {
  const failed = new Set<NodeId>();
  const given = new Map<NodeId, NodeView>();
  for (let placing = 1; ; placing++) {
    const holders = chooseHolders(ports, fleet, chunk, seed, redundancy, failed);
    const answers = await Promise.allSettled(
      holders.map((holder, slot) =>
        ports.nodes.put(addressOf(holder), { ...chunk, slot, epoch: firstEpoch }),
      ),
    );
    for (const [slot, { status }] of answers.entries()) {
      if (status === 'fulfilled') given.set(holders[slot]!.id, holders[slot]!);
    }
    const errors = answers.flatMap((answer, slot) =>
      answer.status === 'rejected' ? [{ node: holders[slot]!.id, reason: answer.reason }] : [],
    );
    if (errors.length === 0) {
      await takeBackOthers(ports, chunk.chunk, given, holders);
      const { chunk: id, sha256 } = chunk;
      return { chunk: id, size: chunk.bytes.length, sha256, kind: 'data', redundancy, holders };
    }
    for (const { node, reason } of errors) {
      if (!isOfNode(reason) || placing === placingsMax) {
        await takeBackOthers(ports, chunk.chunk, given, []);
        throw reason;
      }
      failed.add(node);
    }
  }
}

/** Copies of earlier tries that no commit will name: nobody else knows this chunk yet. */
const takeBackOthers = (
  ports: Ports,
  chunk: ChunkId,
  given: ReadonlyMap<NodeId, NodeView>,
  holders: readonly NodeView[],
): Promise<void> => {
  const named = new Set(holders.map(({ id }) => id));
  const others = [...given.values()].filter(({ id }) => !named.has(id));
  return takeBack(ports, others, { chunk, version: firstEpoch });
};

const isOfNode = (reason: unknown): boolean =>
  reason instanceof NodeRefused || reason instanceof NodeUnreachable;

function chooseHolders(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  chunk: NewChunk,
  seed: string,
  redundancy: Redundancy,
  without: ReadonlySet<NodeId>,
): readonly NodeView[] {
  const candidates = fleet.filter((node) => takesCopies(node.state) && !without.has(node.id));
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
    kind: 'data',
    redundancy,
    seed,
    fillHard: ports.policy.fillHard,
  });
  if (choice.kind === 'blocked') throw new NoRoom(choice.blocks);
  return choice.holders.map((holder) => candidates.find(({ id }) => id === holder)!);
}
