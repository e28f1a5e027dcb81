/**
 * A fleet for planning, in typed arrays: about 8 bytes a slot and 40 a chunk. Nodes are numbered in the order
 * of their ids, so that ties which fall to the lower number are the same on every machine; chunks in the
 * order in which they were added.
 */
import { ChunkIds } from './chunk-ids.ts';
import { type Chunk, type FleetNode, type Redundancy, slotBytes, slotCount } from './fleet.ts';
import { Growing } from './growing.ts';
import { byCodeUnit, type NodeId, type Zone } from './ids.ts';
import { nodesMax, slotsMax, slotsPerChunkMax, zonesMax } from './limits.ts';
import type { Bytes } from './units.ts';

/** In `holders`: the slot has no holder that this map knows. */
export const NOBODY = -1;

export interface FleetMap {
  readonly nodes: readonly FleetNode[];
  readonly nodeIndex: ReadonlyMap<NodeId, number>;
  readonly zones: readonly Zone[];
  readonly zoneOfNode: Uint16Array;
  readonly chunkIds: ChunkIds;
  /** Slots of chunk c are `slotStart[c] … slotStart[c + 1] - 1`. */
  readonly slotStart: Int32Array;
  readonly chunkOfSlot: Int32Array;
  /** Bytes that one slot of each chunk occupies. */
  readonly slotBytes: Float64Array;
  /** 1 for a metadata chunk. */
  readonly isMetadata: Uint8Array;
  /** By chunk: accesses an hour; only if some chunk has any. */
  readonly heat?: Float32Array;
  readonly rules: readonly Redundancy[];
  readonly ruleOfChunk: Uint16Array;
  /** By slot: the node that holds it, or NOBODY. */
  readonly holders: Int32Array;
  /** By node: bytes and number of the slots in this map that it holds. */
  readonly used: Float64Array;
  readonly slotsOnNode: Int32Array;
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
  readonly #chunkIds = new ChunkIds();
  readonly #rules: Redundancy[] = [];
  readonly #slotStart = new Growing(new Int32Array(1));
  readonly #slotBytes = new Growing(new Float64Array(0));
  readonly #isMetadata = new Growing(new Uint8Array(0));
  readonly #ruleOfChunk = new Growing(new Uint16Array(0));
  readonly #holders = new Growing(new Int32Array(0));
  #heat: Growing<Float32Array> | undefined;
  #lastRule = -1;

  constructor() {
    this.#slotStart.push(0);
  }

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
    const slots = slotCount(chunk.redundancy);
    if (slots > slotsPerChunkMax) throw new RangeError(`more than ${slotsPerChunkMax} slots`);
    if (this.#holders.length + slots > slotsMax)
      throw new RangeError(`more than ${slotsMax} slots`);
    if (this.#chunkIds.add(chunk.id) === undefined) return 'already-there';
    this.#slotBytes.push(slotBytes(chunk.size, chunk.redundancy));
    this.#isMetadata.push(chunk.kind === 'metadata' ? 1 : 0);
    this.#ruleOfChunk.push(this.#ruleNumber(chunk.redundancy));
    this.#addHeat(chunk.heat ?? 0);
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
    const slotStart = this.#slotStart.values();
    const bytesOfSlots = this.#slotBytes.values();
    const holders = renumbered(this.#holders.values(), numbers);
    const chunkOfSlot = chunkOfEachSlot(slotStart);
    const { used, slotsOnNode } = heldByNode(nodes.length, holders, chunkOfSlot, bytesOfSlots);
    return {
      nodes: nodes.map(({ node }) => node),
      nodeIndex,
      zones,
      zoneOfNode: Uint16Array.from(nodes, ({ node }) => zones.indexOf(node.zone)),
      chunkIds: this.#chunkIds,
      slotStart,
      chunkOfSlot,
      slotBytes: bytesOfSlots,
      isMetadata: this.#isMetadata.values(),
      ...(this.#heat === undefined ? {} : { heat: this.#heat.values() }),
      rules: this.#rules,
      ruleOfChunk: this.#ruleOfChunk.values(),
      holders,
      used,
      slotsOnNode,
      occupied: used.map((bytes, node) => Math.max(bytes, nodes[node]!.usedBytes ?? 0)),
    };
  }

  /** Of the chunk that was just added; a fleet without heat has no column for it. */
  #addHeat(heat: number): void {
    if (this.#heat === undefined && heat === 0) return;
    this.#heat ??= new Growing(new Float32Array(this.#chunkIds.count));
    while (this.#heat.length < this.#chunkIds.count - 1) this.#heat.push(0);
    this.#heat.push(heat);
  }

  #addHolder(holder: NodeId | undefined): void {
    this.#holders.push(holder === undefined ? NOBODY : (this.#nodeIndex.get(holder) ?? NOBODY));
  }

  /** Few rules, many chunks: they share. The rule of the last chunk is the likeliest of the next. */
  #ruleNumber(rule: Redundancy): number {
    const last = this.#rules[this.#lastRule];
    if (last === undefined || !sameRule(last, rule)) {
      const found = this.#rules.findIndex((known) => sameRule(known, rule));
      this.#lastRule = found >= 0 ? found : this.#rules.push(rule) - 1;
    }
    return this.#lastRule;
  }
}

const sameRule = (left: Redundancy, right: Redundancy): boolean =>
  left.kind === 'replicated'
    ? right.kind === 'replicated' && left.copies === right.copies
    : right.kind === 'erasure' && left.data === right.data && left.parity === right.parity;

/** By slot: the node's number in the map, from that of the order in which nodes were added. */
function renumbered(holders: Int32Array, numbers: readonly number[]): Int32Array {
  const renumbered = new Int32Array(holders.length);
  for (let slot = 0; slot < holders.length; slot++) {
    const old = holders[slot]!;
    renumbered[slot] = old === NOBODY ? NOBODY : numbers[old]!;
  }
  return renumbered;
}

function chunkOfEachSlot(slotStart: Int32Array): Int32Array {
  const chunkOfSlot = new Int32Array(slotStart.at(-1)!);
  for (let chunk = 0; chunk + 1 < slotStart.length; chunk++) {
    chunkOfSlot.fill(chunk, slotStart[chunk]!, slotStart[chunk + 1]!);
  }
  return chunkOfSlot;
}

function heldByNode(
  nodes: number,
  holders: Int32Array,
  chunkOfSlot: Int32Array,
  slotBytes: Float64Array,
) {
  const used = new Float64Array(nodes);
  const slotsOnNode = new Int32Array(nodes);
  for (let slot = 0; slot < holders.length; slot++) {
    const holder = holders[slot]!;
    if (holder === NOBODY) continue;
    used[holder]! += slotBytes[chunkOfSlot[slot]!]!;
    slotsOnNode[holder]!++;
  }
  return { used, slotsOnNode };
}
