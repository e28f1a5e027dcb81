import { Draft } from './draft.ts';
import { type PlacePolicy, slotsOfNodes } from './drain.ts';
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { blocksListedMax, fillHardMax } from './limits.ts';
import { liveHolders } from './live-holders.ts';
import { chunkIdOf, placeSlots } from './place-slots.ts';
import { type Block, type Plan, wholePlan } from './plan.ts';
import { judgeZoneOfRepair } from './spread.ts';

/**
 * Plans new holders for every slot of the lost nodes; `from` is the lost node. The chunks that can lose
 * fewest more holders come first. What can be repaired is planned even if something else is blocked. A
 * chunk with too few live holders to be read is a block: nothing can rebuild it.
 */
export function planRepair(
  fleet: FleetMap,
  lost: readonly NodeId[],
  policy: PlacePolicy = {},
): Plan {
  const unknown = lost.filter((id) => !fleet.nodeIndex.has(id));
  const nodes = [...new Set(lost)].flatMap((id) => fleet.nodeIndex.get(id) ?? []);
  const draft = new Draft(fleet, policy.fillHard ?? fillHardMax, { lost: nodes });
  const { mendable, beyond } = byDanger(draft, slotsOfNodes(fleet, nodes));
  const minimum = mendable.reduce((sum, slot) => sum + draft.bytesOf(slot), 0);
  const unplaced = placeSlots(draft, mendable, judgeZoneOfRepair);
  const blocks = [
    ...unknown.map((node): Block => ({ kind: 'unknown-node', node })),
    ...unreadable(draft, beyond),
    ...unplaced,
  ];
  const atLeast = unplaced.length === 0 ? minimum : draft.bytesTotal;
  return wholePlan(draft.planned(policy.job ?? 'repair', atLeast, blocks));
}

/** Holders that are needed to read a chunk at all. */
export function neededToRead({ fleet }: Draft, chunk: number): number {
  const rule = fleet.rules[fleet.ruleOfChunk[chunk]!]!;
  return rule.kind === 'replicated' ? 1 : rule.data;
}

/** The slots by how many more holders their chunk can lose; those of unreadable chunks apart. */
function byDanger(draft: Draft, slots: Int32Array): { mendable: number[]; beyond: number[] } {
  const mendable = new Map<number, number[]>();
  const beyond: number[] = [];
  for (const slot of slots) {
    const chunk = draft.fleet.chunkOfSlot[slot]!;
    const spare = liveHolders(draft, chunk) - neededToRead(draft, chunk);
    const bucket = spare < 0 ? beyond : (mendable.get(spare) ?? []);
    bucket.push(slot);
    if (spare >= 0) mendable.set(spare, bucket);
  }
  const bySpare = [...mendable].sort(([left], [right]) => left - right);
  return { mendable: bySpare.flatMap(([, bucket]) => bucket), beyond };
}

function unreadable(draft: Draft, slots: readonly number[]): Block[] {
  const chunks = new Map(slots.map((slot) => [draft.fleet.chunkOfSlot[slot]!, slot]));
  return [...chunks].slice(0, blocksListedMax).map(([chunk, slot]) => ({
    kind: 'too-few-holders',
    chunk: chunkIdOf(draft.fleet, slot),
    live: liveHolders(draft, chunk),
    needed: neededToRead(draft, chunk),
  }));
}
