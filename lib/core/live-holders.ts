import type { Draft } from './draft.ts';

/** How many slots of the chunk could be read before the plan. */
export function liveHolders({ fleet, live }: Draft, chunk: number): number {
  let count = 0;
  for (let slot = fleet.slotStart[chunk]!; slot < fleet.slotStart[chunk + 1]!; slot++) {
    const holder = fleet.holders[slot]!;
    if (holder >= 0 && live[holder] === 1) count++;
  }
  return count;
}
