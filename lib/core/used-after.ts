import type { NodeId } from './ids.ts';
import type { Move } from './plan.ts';

/** Bytes on each node once every move is committed and no parked copy is left. */
export function usedAfter(
  usedBytes: ReadonlyMap<NodeId, number>,
  moves: readonly Pick<Move, 'from' | 'to' | 'bytes'>[],
): ReadonlyMap<NodeId, number> {
  const after = new Map(usedBytes);
  const add = (node: NodeId, bytes: number) =>
    after.set(node, Math.max(0, (after.get(node) ?? 0) + bytes));
  for (const { from, to, bytes } of moves) {
    add(from, -bytes);
    add(to, bytes);
  }
  return after;
}
