import type { NodeId } from './ids.ts';
import type { Move } from './plan.ts';

/** Moves with one source and one destination: they are sent, leased and committed together. */
export interface MoveGroup {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: number;
  readonly moves: readonly Move[];
}

/**
 * Groups a plan's moves by their two nodes, in the plan's order, at most `movesMax` moves and about
 * `bytesMax` bytes a group (one move may be larger).
 */
export function groupMoves(
  moves: readonly Move[],
  movesMax: number,
  bytesMax: number = Number.POSITIVE_INFINITY,
): MoveGroup[] {
  const groups: { from: NodeId; to: NodeId; bytes: number; moves: Move[] }[] = [];
  const open = new Map<string, (typeof groups)[number]>();
  for (const move of moves) {
    const key = `${move.from}\n${move.to}`;
    let group = open.get(key);
    const isFull =
      group === undefined || group.moves.length >= movesMax || group.bytes + move.bytes > bytesMax;
    if (group === undefined || isFull) {
      group = { from: move.from, to: move.to, bytes: 0, moves: [] };
      groups.push(group);
      open.set(key, group);
    }
    group.bytes += move.bytes;
    group.moves.push(move);
  }
  return groups;
}
