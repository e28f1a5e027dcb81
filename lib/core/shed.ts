import type { Draft } from './draft.ts';
import { inWindows, slotsOf } from './slots-by-node.ts';

export interface Shedding {
  readonly draft: Draft;
  /** By node: the bytes that it should hold in the end. */
  readonly target: Float64Array;
  readonly donors: readonly number[];
  /** At most this much leaves the donors together. */
  readonly budgetBytes: number;
  readonly mayGive: (slot: number) => boolean;
  readonly seatFor: (slot: number) => number | undefined;
}

/**
 * Lets each donor give what it holds above its target, larger slots first so that small ones fill the
 * gap. What a donor keeps because no slot is small enough, the next may give more (error diffusion), so
 * the sum comes out right although slots are indivisible. Every move brings its two nodes nearer to
 * their targets, so a level fleet stays still. Returns the bytes given.
 */
export function shed(shedding: Shedding): number {
  const { draft, donors, budgetBytes } = shedding;
  let left = budgetBytes;
  let carry = 0;
  for (const window of inWindows(draft.fleet, donors)) {
    for (const [at, donor] of window.nodes.entries()) {
      const slots = slotsOf(window, at);
      const allowance = Math.min(left, overTarget(shedding, donor) + carry);
      const given = shedFrom(shedding, donor, slots, allowance);
      left -= given;
      const [largest] = slots;
      carry = Math.min(allowance - given, largest === undefined ? 0 : draft.bytesOf(largest));
    }
  }
  return budgetBytes - left;
}

const overTarget = ({ draft, target }: Shedding, node: number): number =>
  draft.used[node]! - target[node]!;

function shedFrom(shedding: Shedding, donor: number, slots: Int32Array, allowance: number): number {
  const { draft } = shedding;
  let given = 0;
  for (const slot of slots) {
    const size = draft.bytesOf(slot);
    if (size > allowance - given || draft.hasMoved(slot) || !shedding.mayGive(slot)) continue;
    const seat = shedding.seatFor(slot);
    if (seat === undefined) continue;
    if (size >= overTarget(shedding, donor) - overTarget(shedding, seat)) continue;
    draft.move(slot, seat);
    given += size;
  }
  return given;
}
