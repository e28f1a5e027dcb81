import { Draft } from './draft.ts';
import { type PlacePolicy, slotsOfNodes } from './drain.ts';
import type { FleetMap } from './fleet-map.ts';
import type { ChunkId, NodeId } from './ids.ts';
import { blocksListedMax, fillHardMax } from './limits.ts';
import { liveHolders } from './live-holders.ts';
import { chunkIdOf, placeSlots } from './place-slots.ts';
import { type Block, type Plan, wholePlan } from './plan.ts';
import { judgeZoneOfRepair } from './spread.ts';

/** A slot whose bytes its holder lacks, or has otherwise than the placement promises. */
export interface DamagedSlot {
  readonly chunk: ChunkId;
  readonly slot: number;
  readonly node: NodeId;
}

/**
 * Plans new holders for every slot of the lost nodes, and for damaged slots that are still where they were
 * found; `from` is the lost node or the holder of what is damaged, which is `to` as well where no other node of its
 * zone can have it: a slot that is damaged is mended in place before its chunk's spread changes. The chunks that
 * can lose fewest more holders come first. What can be repaired is planned even if something else is blocked. A
 * chunk with too few live holders to be read is a block: nothing can rebuild it.
 */
export function planRepair(
  fleet: FleetMap,
  lost: readonly NodeId[],
  policy: PlacePolicy = {},
  damaged: readonly DamagedSlot[] = [],
): Plan {
  const unknown = lost.filter((id) => !fleet.nodeIndex.has(id));
  const nodes = [...new Set(lost)].flatMap((id) => fleet.nodeIndex.get(id) ?? []);
  const draft = new Draft(fleet, policy.fillHard ?? fillHardMax, { lost: nodes });
  const bad = badSlots(fleet, damaged);
  const slots = new Set([...slotsOfNodes(fleet, nodes), ...bad]);
  const { mendable, beyond } = byDanger(draft, slots, bad);
  const minimum = mendable.reduce((sum, slot) => sum + draft.bytesOf(slot), 0);
  const unplaced = placeSlots(draft, mendable, {
    ...policy,
    judge: judgeZoneOfRepair,
    mayStay: bad,
  });
  const blocks = [
    ...unknown.map((node): Block => ({ kind: 'unknown-node', node })),
    ...unreadable(draft, beyond, bad),
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

function badSlots(fleet: FleetMap, damaged: readonly DamagedSlot[]): ReadonlySet<number> {
  return new Set(
    damaged.flatMap(({ chunk, slot, node }) => {
      const index = fleet.chunkIds.indexOf(chunk);
      if (index === undefined) return [];
      const at = fleet.slotStart[index]! + slot;
      const isThere = at < fleet.slotStart[index + 1]!;
      return isThere && fleet.holders[at] === fleet.nodeIndex.get(node) ? [at] : [];
    }),
  );
}

/** Holders of the chunk that are alive and have what they should, as far as is known. */
function soundHolders(draft: Draft, chunk: number, bad: ReadonlySet<number>): number {
  const { fleet, live } = draft;
  let count = liveHolders(draft, chunk);
  for (let slot = fleet.slotStart[chunk]!; slot < fleet.slotStart[chunk + 1]!; slot++) {
    if (bad.has(slot) && live[fleet.holders[slot]!] === 1) count--;
  }
  return count;
}

/** The slots by how many more holders their chunk can lose; those of unreadable chunks apart. */
function byDanger(
  draft: Draft,
  slots: Iterable<number>,
  bad: ReadonlySet<number>,
): { mendable: number[]; beyond: number[] } {
  const mendable = new Map<number, number[]>();
  const beyond: number[] = [];
  for (const slot of slots) {
    const chunk = draft.fleet.chunkOfSlot[slot]!;
    const spare = soundHolders(draft, chunk, bad) - neededToRead(draft, chunk);
    const bucket = spare < 0 ? beyond : (mendable.get(spare) ?? []);
    bucket.push(slot);
    if (spare >= 0) mendable.set(spare, bucket);
  }
  const bySpare = [...mendable].sort(([left], [right]) => left - right);
  return { mendable: bySpare.flatMap(([, bucket]) => bucket), beyond };
}

function unreadable(draft: Draft, slots: readonly number[], bad: ReadonlySet<number>): Block[] {
  const chunks = new Map(slots.map((slot) => [draft.fleet.chunkOfSlot[slot]!, slot]));
  return [...chunks].slice(0, blocksListedMax).map(([chunk, slot]) => ({
    kind: 'too-few-holders',
    chunk: chunkIdOf(draft.fleet, slot),
    live: soundHolders(draft, chunk, bad),
    needed: neededToRead(draft, chunk),
  }));
}
