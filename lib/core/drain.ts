import { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { takesCopies } from './lifecycle.ts';
import { blocksListedMax, fillHardMax } from './limits.ts';
import { liveHolders } from './live-holders.ts';
import { chunkIdOf, placeSlots } from './place-slots.ts';
import type { Placement } from './place-write.ts';
import { type Block, type JobKind, type Plan, type PlanDraft, wholePlan } from './plan.ts';
import { pourOut } from './pour-out.ts';
import { slotsByNode } from './slots-by-node.ts';
import { judgeZone } from './spread.ts';
import { bytes } from './units.ts';

export interface PlacePolicy {
  /** Share of a node's capacity that a plan may fill. @default 0.95 */
  readonly fillHard?: number;
  /** Who takes a slot that needs a new holder. @default 'roomiest' */
  readonly placement?: Placement;
  /** What the plan says it is for. */
  readonly job?: JobKind;
}

/**
 * Plans that all of `leaving` leave together: exactly their slots move, each once, none onto another
 * leaving node. The least filled nodes are raised together, so those that stay end level: first by flows
 * between nodes, then slot by slot what these leave over; slot by slot from the start where room is so
 * short that this finds no place. With any block there is no move: a drain that cannot end does not begin.
 */
export function draftDrain(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  policy: PlacePolicy = {},
): PlanDraft {
  const job = policy.job ?? 'drain';
  const blocks = nodeBlocks(fleet, leaving);
  if (blocks.length > 0) return blocked(job, blocks);
  const nodes = [...new Set(leaving)].map((id) => fleet.nodeIndex.get(id)!);
  const fillHard = policy.fillHard ?? fillHardMax;
  const newDraft = () => new Draft(fleet, fillHard, { leaving: nodes });
  const slots = slotsOfNodes(fleet, nodes);
  const minimum = slots.reduce((sum, slot) => sum + bytesOfSlot(fleet, slot), 0);
  const short = tooFewHolders(newDraft(), slots);
  const byFlows = newDraft();
  // Under `hash` each chunk says where it goes: there is nothing to pour.
  if (policy.placement !== 'hash') pourOut(byFlows, nodes, fillHard);
  const rest = slots.filter((slot) => !byFlows.hasMoved(slot));
  const rules = { ...policy, judge: judgeZone };
  const left = placeSlots(byFlows, rest, rules);
  if (short.length === 0 && left.length === 0) return byFlows.planned(job, minimum);
  const slotBySlot = newDraft();
  const allBlocks = [...short, ...placeSlots(slotBySlot, slots, rules)];
  return allBlocks.length > 0 ? blocked(job, allBlocks, minimum) : slotBySlot.planned(job, minimum);
}

const bytesOfSlot = (fleet: FleetMap, slot: number): number =>
  fleet.slotBytes[fleet.chunkOfSlot[slot]!]!;

export const planDrain = (
  fleet: FleetMap,
  leaving: readonly NodeId[],
  policy?: PlacePolicy,
): Plan => wholePlan(draftDrain(fleet, leaving, policy));

const blocked = (job: JobKind, blocks: readonly Block[], minimum = 0): PlanDraft => ({
  job,
  movesTotal: 0,
  bytesTotal: bytes(0),
  bytesMinimum: bytes(minimum),
  bytesCrossZone: bytes(0),
  blocks,
  moves: () => [],
});

/** The slots on these nodes, larger ones first over all of them: the small ones then fill the gaps. */
export function slotsOfNodes(fleet: FleetMap, nodes: readonly number[]): Int32Array {
  const { slots } = slotsByNode(fleet, nodes);
  return slots.sort(
    (left, right) => bytesOfSlot(fleet, right) - bytesOfSlot(fleet, left) || left - right,
  );
}

function nodeBlocks(fleet: FleetMap, leaving: readonly NodeId[]): Block[] {
  const wanted = new Set(leaving);
  return [...wanted].flatMap((id): Block[] => {
    const index = fleet.nodeIndex.get(id);
    if (index === undefined) return [{ kind: 'unknown-node', node: id }];
    const node = fleet.nodes[index]!;
    if (node.state !== 'active' && node.state !== 'draining') {
      return [{ kind: 'wrong-state', node: id, state: node.state }];
    }
    const stays = fleet.nodes.some(
      (other) => other.zone === node.zone && takesCopies(other.state) && !wanted.has(other.id),
    );
    return stays ? [] : [{ kind: 'last-node-of-zone', node: id, zone: node.zone }];
  });
}

/** Chunks to be moved that lack a live holder: they are repaired first, then drained. */
function tooFewHolders(draft: Draft, slots: Int32Array): Block[] {
  const { fleet } = draft;
  const found = new Map<number, Block>();
  for (const slot of slots) {
    if (found.size >= blocksListedMax) break;
    const chunk = fleet.chunkOfSlot[slot]!;
    const needed = fleet.slotStart[chunk + 1]! - fleet.slotStart[chunk]!;
    const live = liveHolders(draft, chunk);
    if (live >= needed || found.has(chunk)) continue;
    found.set(chunk, { kind: 'too-few-holders', chunk: chunkIdOf(fleet, slot), live, needed });
  }
  return [...found.values()];
}
