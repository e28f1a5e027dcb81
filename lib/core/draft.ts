import type { FleetMap } from './fleet-map.ts';
import { servesReads, takesCopies } from './lifecycle.ts';
import type { Move } from './plan.ts';
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
  /** By slot: its holder; by node: bytes of its slots; both as after the moves so far. */
  readonly holders: Int32Array;
  readonly used: Float64Array;
  /** By node: 1 if what it holds can be read. */
  readonly live: Uint8Array;
  readonly moves: Move[] = [];
  bytesTotal = 0;
  /** Bytes on each disk with every move in and none out: a source copy stays while it is parked. */
  readonly peak: Float64Array;
  readonly #limit: Float64Array;
  readonly #open: Uint8Array;
  readonly #moved: Uint8Array;

  constructor(fleet: FleetMap, fillHard: number, excluded: Excluded = {}) {
    this.fleet = fleet;
    this.holders = fleet.holders.slice();
    this.used = fleet.used.slice();
    this.peak = fleet.occupied.slice();
    this.#limit = Float64Array.from(fleet.nodes, ({ capacity }) => capacity * fillHard);
    this.#open = Uint8Array.from(fleet.nodes, ({ state }) => (takesCopies(state) ? 1 : 0));
    this.live = Uint8Array.from(fleet.nodes, ({ state }) => (servesReads(state) ? 1 : 0));
    for (const node of excluded.leaving ?? []) this.#open[node] = 0;
    for (const node of excluded.lost ?? []) this.#open[node] = this.live[node] = 0;
    this.#moved = new Uint8Array(fleet.holders.length);
  }

  isOpen(node: number): boolean {
    return this.#open[node] === 1;
  }

  hasMoved(slot: number): boolean {
    return this.#moved[slot] === 1;
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

  move(slot: number, to: number): void {
    const { fleet } = this;
    const chunk = fleet.chunkOfSlot[slot]!;
    const size = fleet.slotBytes[chunk]!;
    const from = this.holders[slot]!;
    this.holders[slot] = to;
    this.used[from]! -= size;
    this.used[to]! += size;
    this.peak[to]! += size;
    this.#moved[slot] = 1;
    this.bytesTotal += size;
    this.moves.push({
      chunk: fleet.chunkIds[chunk]!,
      slot: slot - fleet.slotStart[chunk]!,
      from: fleet.nodes[from]!.id,
      to: fleet.nodes[to]!.id,
      bytes: bytes(size),
    });
  }

  /** Before or after the plan: moves may run in any order, and two slots must never meet on a node. */
  #holdsChunk(chunk: number, node: number): boolean {
    const end = this.fleet.slotStart[chunk + 1]!;
    for (let slot = this.fleet.slotStart[chunk]!; slot < end; slot++) {
      if (this.holders[slot] === node || this.fleet.holders[slot] === node) return true;
    }
    return false;
  }
}
