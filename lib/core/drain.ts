import { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { takesCopies } from './lifecycle.ts';
import { blocksListedMax, fillHardMax } from './limits.ts';
import { liveHolders } from './live-holders.ts';
import { chunkIdOf, placeSlots } from './place-slots.ts';
import type { Placement } from './place-write.ts';
import type { Block, JobKind, Plan } from './plan.ts';
import { slotsByNode, slotsOf } from './slots-by-node.ts';
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
 * leaving node. The least filled node takes first, so those that stay end level. With any block there is
 * no move: a drain that cannot end does not begin.
 */
export function planDrain(
  fleet: FleetMap,
  leaving: readonly NodeId[],
  policy: PlacePolicy = {},
): Plan {
  const job = policy.job ?? 'drain';
  const blocks = nodeBlocks(fleet, leaving);
  if (blocks.length > 0) return blocked(job, blocks);
  const nodes = [...new Set(leaving)].map((id) => fleet.nodeIndex.get(id)!);
  const draft = new Draft(fleet, policy.fillHard ?? fillHardMax, { leaving: nodes });
  const slots = slotsOfNodes(fleet, nodes);
  const minimum = slots.reduce((sum, slot) => sum + draft.bytesOf(slot), 0);
  const unplaced = placeSlots(draft, slots, judgeZone, policy.placement);
  const allBlocks = [...tooFewHolders(draft, slots), ...unplaced];
  if (allBlocks.length > 0) return blocked(job, allBlocks, minimum);
  return {
    job,
    moves: draft.moves,
    bytesTotal: bytes(draft.bytesTotal),
    bytesMinimum: bytes(minimum),
    blocks: [],
  };
}

const blocked = (job: JobKind, blocks: readonly Block[], minimum = 0): Plan => ({
  job,
  moves: [],
  bytesTotal: bytes(0),
  bytesMinimum: bytes(minimum),
  blocks,
});

/** The slots on these nodes, larger ones first over all of them: the small ones then fill the gaps. */
export function slotsOfNodes(fleet: FleetMap, nodes: readonly number[]): Int32Array {
  const index = slotsByNode(fleet);
  const slots = Int32Array.from(nodes.flatMap((node) => [...slotsOf(index, node)]));
  const sizeOf = (slot: number) => fleet.slotBytes[fleet.chunkOfSlot[slot]!]!;
  return slots.sort((left, right) => sizeOf(right) - sizeOf(left) || left - right);
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
