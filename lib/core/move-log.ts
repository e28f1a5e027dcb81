import { Growing } from './growing.ts';

/**
 * Which slots a plan moves, and where to, in the plan's order. It grows with the moves, not with the fleet:
 * 8 bytes a move, up to 16 to find a slot's move, and a bit a slot so that most need not be looked for.
 */
export class MoveLog {
  readonly #slots = new Growing(new Int32Array(0));
  readonly #to = new Growing(new Int32Array(0));
  readonly #isMoved: Uint8Array;
  /** Places in the log plus 1 by slot, at most half full; 0 is free. A slot that was replaced leaves its entry. */
  #table = new Int32Array(64);
  #entries = 0;

  constructor(slots: number) {
    this.#isMoved = new Uint8Array((slots + 7) >> 3);
  }

  get length(): number {
    return this.#slots.length;
  }

  slotAt(place: number): number {
    return this.#slots.at(place);
  }

  toAt(place: number): number {
    return this.#to.at(place);
  }

  has(slot: number): boolean {
    return ((this.#isMoved[slot >> 3]! >> (slot & 7)) & 1) === 1;
  }

  /** Where the slot moves; it must have moved. */
  toOf(slot: number): number {
    return this.#to.at(this.#table[this.#place(slot)]! - 1);
  }

  /** Each slot once. */
  add(slot: number, to: number): void {
    this.#slots.push(slot);
    this.#to.push(to);
    this.#enter(slot, this.length - 1);
  }

  /** `other`, which has not moved, moves in place of `slot`, which has; `slot` stays. */
  replace(slot: number, other: number): void {
    const place = this.#table[this.#place(slot)]! - 1;
    this.#isMoved[slot >> 3]! &= ~(1 << (slot & 7));
    this.#slots.set(place, other);
    this.#enter(other, place);
  }

  #enter(slot: number, place: number): void {
    this.#isMoved[slot >> 3]! |= 1 << (slot & 7);
    this.#table[this.#place(slot)] = place + 1;
    if (2 * ++this.#entries >= this.#table.length) this.#spread();
  }

  #place(slot: number): number {
    const mask = this.#table.length - 1;
    const hash = Math.imul(slot, 0x9e3779b1);
    for (let place = (hash ^ (hash >>> 15)) & mask; ; place = (place + 1) & mask) {
      const entry = this.#table[place]!;
      if (entry === 0 || this.#slots.at(entry - 1) === slot) return place;
    }
  }

  #spread(): void {
    this.#table = new Int32Array(2 * this.#table.length);
    for (let place = 0; place < this.length; place++) {
      this.#table[this.#place(this.#slots.at(place))] = place + 1;
    }
    this.#entries = this.length;
  }
}
