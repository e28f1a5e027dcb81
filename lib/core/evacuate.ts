import { Draft } from './draft.ts';
import { type PlacePolicy, slotsOfNodes } from './drain.ts';
import type { FleetMap } from './fleet-map.ts';
import type { ChunkId, NodeId } from './ids.ts';
import { fillHardMax } from './limits.ts';
import { liveHolders } from './live-holders.ts';
import { chunkIdOf, placeSlots } from './place-slots.ts';
import { type Plan, wholePlan } from './plan.ts';
import { neededToRead } from './repair.ts';
import { judgeZoneOfRepair } from './spread.ts';

export interface Evacuation extends Plan {
  /** Chunks that can lose no holder more once `leaving` are gone, or cannot be read any more at all. */
  readonly endangered: ReadonlySet<ChunkId>;
}

/**
 * Plans what can leave `leaving` before their machines are taken away: the chunks first that can lose fewest
 * holders once those are gone. As in a repair, what can move moves even if something else is blocked,
 * and a crowded zone is better than a missing slot; unlike in a repair, the nodes can still be read.
 */
export function planEvacuation(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  policy: PlacePolicy = {},
): Evacuation {
  const nodes = [...new Set(leaving)].flatMap((id) => fleet.nodeIndex.get(id) ?? []);
  const draft = new Draft(fleet, policy.fillHard ?? fillHardMax, { lost: nodes });
  const slots = slotsOfNodes(fleet, nodes);
  const minimum = slots.reduce((sum, slot) => sum + draft.bytesOf(slot), 0);
  const bySpare = [...groupBySpare(draft, slots)].sort(([left], [right]) => left - right);
  const unplaced = placeSlots(
    draft,
    bySpare.flatMap(([, some]) => some),
    { ...policy, judge: judgeZoneOfRepair },
  );
  const inDanger = bySpare.filter(([spare]) => spare <= 0).flatMap(([, some]) => some);
  const atLeast = unplaced.length === 0 ? minimum : draft.bytesTotal;
  return {
    ...wholePlan(draft.planned(policy.job ?? 'drain', atLeast, unplaced)),
    endangered: new Set(inDanger.map((slot) => chunkIdOf(fleet, slot))),
  };
}

/** Slots by how many more holders their chunk can lose, the leaving ones counted as lost. */
function groupBySpare(draft: Draft, slots: Int32Array): ReadonlyMap<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const slot of slots) {
    const chunk = draft.fleet.chunkOfSlot[slot]!;
    const spare = liveHolders(draft, chunk) - neededToRead(draft, chunk);
    const group = groups.get(spare) ?? [];
    group.push(slot);
    groups.set(spare, group);
  }
  return groups;
}
