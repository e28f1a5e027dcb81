/**
 * A fleet for planning, in typed arrays: a million slots in about 12 MB. Nodes are numbered in the order
 * of their ids, so that ties which fall to the lower number are the same on every machine; chunks in the
 * order in which they were added.
 */
import { type Chunk, type FleetNode, type Redundancy, slotBytes, slotCount } from './fleet.ts';
import { byCodeUnit, type ChunkId, type NodeId, type Zone } from './ids.ts';
import { nodesMax, slotsMax, slotsPerChunkMax, zonesMax } from './limits.ts';
import type { Bytes } from './units.ts';

/** In `holders`: the slot has no holder that this map knows. */
export const NOBODY = -1;

export interface FleetMap {
  readonly nodes: readonly FleetNode[];
  readonly nodeIndex: ReadonlyMap<NodeId, number>;
  readonly zones: readonly Zone[];
  readonly zoneOfNode: Uint16Array;
  readonly chunkIds: readonly ChunkId[];
  readonly chunkIndex: ReadonlyMap<ChunkId, number>;
  /** Slots of chunk c are `slotStart[c] … slotStart[c + 1] - 1`. */
  readonly slotStart: Int32Array;
  readonly chunkOfSlot: Int32Array;
  /** Bytes that one slot of each chunk occupies. */
  readonly slotBytes: Float64Array;
  /** 1 for a metadata chunk. */
  readonly isMetadata: Uint8Array;
  readonly rules: readonly Redundancy[];
  readonly ruleOfChunk: Uint16Array;
  /** By slot: the node that holds it, or NOBODY. */
  readonly holders: Int32Array;
  /** By node: bytes of the slots in this map that it holds. */
  readonly used: Float64Array;
  /** By node: bytes in use on its disk, parked copies and slots that are not in this map included. */
  readonly occupied: Float64Array;
}

interface NewNode {
  readonly node: FleetNode;
  readonly usedBytes: Bytes | undefined;
}

/** Builds a map from streamed nodes and chunks: all nodes first, then chunks in any order. */
export class FleetBuilder {
  readonly #nodes: NewNode[] = [];
  readonly #nodeIndex = new Map<NodeId, number>();
  readonly #chunkIds: ChunkId[] = [];
  readonly #chunkIndex = new Map<ChunkId, number>();
  readonly #rules: Redundancy[] = [];
  readonly #slotStart: number[] = [0];
  readonly #slotBytes: number[] = [];
  readonly #isMetadata: number[] = [];
  readonly #ruleOfChunk: number[] = [];
  readonly #holders: number[] = [];

  /**
   * `usedBytes` is what the node reports: pass it when not every chunk is added (a drain reads only the
   * leaving nodes' inventory, and parked copies take room). Without it a node's use is its slots.
   */
  addNode(node: FleetNode, usedBytes?: Bytes): 'added' | 'already-there' {
    if (this.#nodeIndex.has(node.id)) return 'already-there';
    if (this.#nodes.length >= nodesMax) throw new RangeError(`more than ${nodesMax} nodes`);
    this.#nodeIndex.set(node.id, this.#nodes.length);
    this.#nodes.push({ node, usedBytes });
    return 'added';
  }

  hasNode(id: NodeId): boolean {
    return this.#nodeIndex.has(id);
  }

  /** A holder that is no known node leaves its slot without one. Inventories may name a chunk twice. */
  addChunk(chunk: Chunk): 'added' | 'already-there' {
    if (this.#chunkIndex.has(chunk.id)) return 'already-there';
    const slots = slotCount(chunk.redundancy);
    if (slots > slotsPerChunkMax) throw new RangeError(`more than ${slotsPerChunkMax} slots`);
    if (this.#holders.length + slots > slotsMax)
      throw new RangeError(`more than ${slotsMax} slots`);
    this.#chunkIndex.set(chunk.id, this.#chunkIds.length);
    this.#chunkIds.push(chunk.id);
    this.#slotBytes.push(slotBytes(chunk.size, chunk.redundancy));
    this.#isMetadata.push(chunk.kind === 'metadata' ? 1 : 0);
    this.#ruleOfChunk.push(this.#ruleNumber(chunk.redundancy));
    for (let slot = 0; slot < slots; slot++) this.#addHolder(chunk.holders[slot]);
    this.#slotStart.push(this.#holders.length);
    return 'added';
  }

  build(): FleetMap {
    const nodes = [...this.#nodes].sort((l, r) => byCodeUnit(l.node.id, r.node.id));
    const nodeIndex = new Map(nodes.map(({ node }, index) => [node.id, index]));
    const numbers = this.#nodes.map(({ node }) => nodeIndex.get(node.id)!);
    const zones = [...new Set(nodes.map(({ node }) => node.zone))].sort(byCodeUnit);
    if (zones.length > zonesMax) throw new RangeError(`more than ${zonesMax} zones`);
    const slotStart = Int32Array.from(this.#slotStart);
    const bytesOfSlots = Float64Array.from(this.#slotBytes);
    const holders = Int32Array.from(this.#holders, (old) =>
      old === NOBODY ? NOBODY : numbers[old]!,
    );
    const chunkOfSlot = chunkOfEachSlot(slotStart);
    const used = usedByNode(nodes.length, holders, chunkOfSlot, bytesOfSlots);
    return {
      nodes: nodes.map(({ node }) => node),
      nodeIndex,
      zones,
      zoneOfNode: Uint16Array.from(nodes, ({ node }) => zones.indexOf(node.zone)),
      chunkIds: this.#chunkIds,
      chunkIndex: this.#chunkIndex,
      slotStart,
      chunkOfSlot,
      slotBytes: bytesOfSlots,
      isMetadata: Uint8Array.from(this.#isMetadata),
      rules: this.#rules,
      ruleOfChunk: Uint16Array.from(this.#ruleOfChunk),
      holders,
      used,
      occupied: used.map((bytes, node) => Math.max(bytes, nodes[node]!.usedBytes ?? 0)),
    };
  }

  #addHolder(holder: NodeId | undefined): void {
    this.#holders.push(holder === undefined ? NOBODY : (this.#nodeIndex.get(holder) ?? NOBODY));
  }

  /** Few rules, many chunks: they share. The rule of the last chunk is the likeliest of the next. */
  #ruleNumber(rule: Redundancy): number {
    const last = this.#ruleOfChunk.at(-1);
    if (last !== undefined && sameRule(this.#rules[last]!, rule)) return last;
    const found = this.#rules.findIndex((known) => sameRule(known, rule));
    return found >= 0 ? found : this.#rules.push(rule) - 1;
  }
}

const sameRule = (left: Redundancy, right: Redundancy): boolean =>
  left.kind === 'replicated'
    ? right.kind === 'replicated' && left.copies === right.copies
    : right.kind === 'erasure' && left.data === right.data && left.parity === right.parity;

function chunkOfEachSlot(slotStart: Int32Array): Int32Array {
  const chunkOfSlot = new Int32Array(slotStart.at(-1)!);
  for (let chunk = 0; chunk + 1 < slotStart.length; chunk++) {
    chunkOfSlot.fill(chunk, slotStart[chunk]!, slotStart[chunk + 1]!);
  }
  return chunkOfSlot;
}

function usedByNode(
  nodes: number,
  holders: Int32Array,
  chunkOfSlot: Int32Array,
  slotBytes: Float64Array,
): Float64Array {
  const used = new Float64Array(nodes);
  for (let slot = 0; slot < holders.length; slot++) {
    const holder = holders[slot]!;
    if (holder !== NOBODY) used[holder]! += slotBytes[chunkOfSlot[slot]!]!;
  }
  return used;
}
