import type { Draft } from './draft.ts';
import { type SlotsByNode, slotsOf } from './slots-by-node.ts';

export interface Shedding {
  readonly draft: Draft;
  readonly index: SlotsByNode;
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
  let left = shedding.budgetBytes;
  let carry = 0;
  for (const donor of shedding.donors) {
    const allowance = Math.min(left, overTarget(shedding, donor) + carry);
    const given = shedFrom(shedding, donor, allowance);
    left -= given;
    carry = Math.min(allowance - given, largestOn(shedding, donor));
  }
  return shedding.budgetBytes - left;
}

const overTarget = ({ draft, target }: Shedding, node: number): number =>
  draft.used[node]! - target[node]!;

function shedFrom(shedding: Shedding, donor: number, allowance: number): number {
  const { draft, index } = shedding;
  let given = 0;
  for (const slot of slotsOf(index, donor)) {
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

function largestOn({ draft, index }: Shedding, node: number): number {
  const first = slotsOf(index, node)[0];
  return first === undefined ? 0 : draft.bytesOf(first);
}
