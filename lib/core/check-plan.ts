import { checkEnd } from './check-end.ts';
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { takesCopies } from './lifecycle.ts';
import { fillHardMax, violationsMax } from './limits.ts';
import type { Move, Plan } from './plan.ts';
import type { DamagedSlot } from './repair.ts';
import type { Violation } from './violation.ts';

export interface Promises {
  /** Nodes that the plan is to empty: no move onto them, and no slot left on them. */
  readonly leaving?: readonly NodeId[];
  /** Nodes whose slots are lost: sources of a repair. */
  readonly lost?: readonly NodeId[];
  /** Slots that may be mended where they are. */
  readonly damaged?: readonly DamagedSlot[];
  /** @default 0.95 */
  readonly fillHard?: number;
}

/**
 * Lists every promise that the plan breaks. It shares no code with the planner but the fleet's types: a
 * fault of the planner must not hide here too.
 */
export function checkPlan(fleet: FleetMap, plan: Plan, promises: Promises = {}): Violation[] {
  const violations: Violation[] = [];
  const after = fleet.holders.slice();
  const moved = new Map<number, Move>();
  for (const move of plan.moves) {
    if (violations.length >= violationsMax) return violations;
    const slot = slotOf(fleet, move);
    if (slot === undefined) violations.push({ kind: 'unknown-slot', move });
    else if (moved.has(slot)) violations.push({ kind: 'slot-moves-twice', move });
    else {
      moved.set(slot, move);
      violations.push(...checkMove(fleet, move, slot, promises));
      after[slot] = fleet.nodeIndex.get(move.to) ?? after[slot]!;
    }
  }
  violations.push(
    ...checkTotals(plan),
    ...checkEnd(fleet, after, moved, limitsOf(fleet, promises)),
  );
  violations.push(...checkLeaving(fleet, after, plan, promises));
  return violations.slice(0, violationsMax);
}

const limitsOf = (
  fleet: FleetMap,
  { fillHard = fillHardMax, leaving = [], lost = [], damaged = [] }: Promises,
) => ({
  ...{ fillHard, leaving, lost },
  damaged: new Set(damaged.flatMap((each) => slotOf(fleet, each) ?? [])),
});

function slotOf(
  fleet: FleetMap,
  { chunk, slot }: Pick<Move, 'chunk' | 'slot'>,
): number | undefined {
  const index = fleet.chunkIds.indexOf(chunk);
  if (index === undefined || !Number.isInteger(slot) || slot < 0) return undefined;
  const at = fleet.slotStart[index]! + slot;
  return at < fleet.slotStart[index + 1]! ? at : undefined;
}

function checkMove(fleet: FleetMap, move: Move, slot: number, promises: Promises): Violation[] {
  const violations: Violation[] = [];
  const holder = fleet.nodes[fleet.holders[slot]!]?.id;
  if (holder !== move.from) violations.push({ kind: 'not-the-holder', move, holder });
  const expected = bytesOf(fleet, slot);
  if (move.bytes !== expected) violations.push({ kind: 'wrong-bytes', move, expected });
  const { leaving, lost = [], damaged = [] } = promises;
  if (move.to === move.from && !damaged.some((each) => isOf(each, move))) {
    violations.push({ kind: 'stays', move });
  }
  if (leaving !== undefined && !leaving.includes(move.from)) {
    violations.push({ kind: 'needless-move', move });
  }
  const to = fleet.nodes[fleet.nodeIndex.get(move.to) ?? -1];
  if (to === undefined) return [...violations, { kind: 'unknown-destination', move }];
  const excluded = leaving?.includes(to.id) || lost.includes(to.id);
  if (!takesCopies(to.state) || excluded) {
    violations.push({ kind: 'closed-destination', move, state: to.state });
  }
  const kind = fleet.isMetadata[fleet.chunkOfSlot[slot]!] === 1 ? 'metadata' : 'data';
  if (to.class !== 'mixed' && to.class !== kind) {
    violations.push({ kind: 'wrong-class', move, nodeClass: to.class, chunkKind: kind });
  }
  return violations;
}

const isOf = ({ chunk, slot, node }: DamagedSlot, move: Move): boolean =>
  chunk === move.chunk && slot === move.slot && node === move.from;

const bytesOf = (fleet: FleetMap, slot: number) => fleet.slotBytes[fleet.chunkOfSlot[slot]!]!;

function checkTotals(plan: Plan): Violation[] {
  const sum = plan.moves.reduce((total, move) => total + move.bytes, 0);
  return sum === plan.bytesTotal
    ? []
    : [{ kind: 'wrong-total', bytesTotal: plan.bytesTotal, expected: sum }];
}

/** A plan that is not blocked leaves nothing on the nodes that it empties. */
function checkLeaving(
  fleet: FleetMap,
  after: Int32Array,
  plan: Plan,
  { leaving = [], lost = [] }: Promises,
): Violation[] {
  if (plan.blocks.length > 0) return [];
  const held = new Int32Array(fleet.nodes.length);
  for (const holder of after) if (holder >= 0) held[holder]!++;
  return [...leaving, ...lost].flatMap((node): Violation[] => {
    const slots = held[fleet.nodeIndex.get(node) ?? -1] ?? 0;
    return slots > 0 ? [{ kind: 'left-behind', node, slots }] : [];
  });
}
