import { holdsKind } from './fleet.ts';
import type { FleetMap } from './fleet-map.ts';
import { servesReads, takesCopies } from './lifecycle.ts';
import { MoveLog } from './move-log.ts';
import type { Block, JobKind, Move, PlanDraft } from './plan.ts';
import { bytes } from './units.ts';

/** Why an open node of the right class may not take a slot. */
export type Refusal = 'room' | 'holds-chunk';

/** Nodes (by number) that a plan must not use. */
export interface Excluded {
  /** They serve reads, but take no copies. */
  readonly leaving?: readonly number[];
  /** They are as good as dead, whatever their state. */
  readonly lost?: readonly number[];
}

/** A plan being written: where every slot will be, and the moves so far. */
export class Draft {
  readonly fleet: FleetMap;
  /** By node: bytes of its slots as after the moves so far. */
  readonly used: Float64Array;
  /** By node: 1 if what it holds can be read. */
  readonly live: Uint8Array;
  bytesTotal = 0;
  bytesCrossZone = 0;
  /** Bytes on each disk with every move in and none out: a source copy stays while it is parked. */
  readonly peak: Float64Array;
  readonly #limit: Float64Array;
  readonly #open: Uint8Array;
  readonly #log: MoveLog;

  constructor(fleet: FleetMap, fillHard: number, excluded: Excluded = {}) {
    this.fleet = fleet;
    this.used = fleet.used.slice();
    this.peak = fleet.occupied.slice();
    this.#limit = Float64Array.from(fleet.nodes, ({ capacity }) => capacity * fillHard);
    this.#open = Uint8Array.from(fleet.nodes, ({ state }) => (takesCopies(state) ? 1 : 0));
    this.live = Uint8Array.from(fleet.nodes, ({ state }) => (servesReads(state) ? 1 : 0));
    for (const node of excluded.leaving ?? []) this.#open[node] = 0;
    for (const node of excluded.lost ?? []) this.#open[node] = this.live[node] = 0;
    this.#log = new MoveLog(fleet.holders.length);
  }

  isOpen(node: number): boolean {
    return this.#open[node] === 1;
  }

  hasMoved(slot: number): boolean {
    return this.#log.has(slot);
  }

  /** The slot's holder as after the moves so far, or NOBODY. */
  holderOf(slot: number): number {
    return this.#log.has(slot) ? this.#log.toOf(slot) : this.fleet.holders[slot]!;
  }

  /** Bytes that the node may still take. */
  room(node: number): number {
    return Math.max(0, this.#limit[node]! - this.peak[node]!);
  }

  bytesOf(slot: number): number {
    return this.fleet.slotBytes[this.fleet.chunkOfSlot[slot]!]!;
  }

  refusal(slot: number, node: number): Refusal | undefined {
    const chunk = this.fleet.chunkOfSlot[slot]!;
    if (this.fleet.slotBytes[chunk]! > this.room(node)) return 'room';
    return this.#holdsChunk(chunk, node) ? 'holds-chunk' : undefined;
  }

  /** Whether the open node is of a class for the slot and does not refuse it. */
  takes(slot: number, node: number): boolean {
    return this.suits(slot, node) && this.refusal(slot, node) === undefined;
  }

  /** Whether the slot's holder may write it anew: the old bytes lie beside the new ones for a while. */
  canStay(slot: number): boolean {
    const node = this.fleet.holders[slot]!;
    return this.isOpen(node) && this.suits(slot, node) && this.bytesOf(slot) <= this.room(node);
  }

  /** Whether the node is of a class for the slot. */
  suits(slot: number, node: number): boolean {
    const kind = this.fleet.isMetadata[this.fleet.chunkOfSlot[slot]!] === 1 ? 'metadata' : 'data';
    return holdsKind(this.fleet.nodes[node]!.class, kind);
  }

  move(slot: number, to: number): void {
    const { fleet } = this;
    const size = this.bytesOf(slot);
    const from = fleet.holders[slot]!;
    this.used[from]! -= size;
    this.used[to]! += size;
    this.peak[to]! += size;
    this.bytesTotal += size;
    if (fleet.zoneOfNode[from] !== fleet.zoneOfNode[to]) this.bytesCrossZone += size;
    this.#log.add(slot, to);
  }

  /** `other` moves where `slot` would have: both on one node, of equal bytes. */
  replace(slot: number, other: number): void {
    this.#log.replace(slot, other);
  }

  /** The slots that move so far, in the plan's order. */
  *moved(): Generator<number> {
    for (let place = 0; place < this.#log.length; place++) yield this.#log.slotAt(place);
  }

  /** The moves so far as a plan. */
  planned(job: JobKind, bytesMinimum: number, blocks: readonly Block[] = []): PlanDraft {
    return {
      job,
      movesTotal: this.#log.length,
      bytesTotal: bytes(this.bytesTotal),
      bytesMinimum: bytes(bytesMinimum),
      bytesCrossZone: bytes(this.bytesCrossZone),
      blocks,
      moves: () => this.#moves(),
    };
  }

  *#moves(): Generator<Move> {
    const { fleet } = this;
    for (let place = 0; place < this.#log.length; place++) {
      const slot = this.#log.slotAt(place);
      const chunk = fleet.chunkOfSlot[slot]!;
      yield {
        chunk: fleet.chunkIds.at(chunk),
        slot: slot - fleet.slotStart[chunk]!,
        from: fleet.nodes[fleet.holders[slot]!]!.id,
        to: fleet.nodes[this.#log.toAt(place)]!.id,
        bytes: bytes(fleet.slotBytes[chunk]!),
      };
    }
  }

  /** Before or after the plan: moves may run in any order, and two slots must never meet on a node. */
  #holdsChunk(chunk: number, node: number): boolean {
    const { slotStart, holders } = this.fleet;
    for (let slot = slotStart[chunk]!; slot < slotStart[chunk + 1]!; slot++) {
      if (holders[slot] === node) return true;
      if (this.#log.has(slot) && this.#log.toOf(slot) === node) return true;
    }
    return false;
  }
}
