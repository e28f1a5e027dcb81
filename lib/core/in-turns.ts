import type { ChunkId } from './ids.ts';
import type { Move } from './plan.ts';

/**
 * At most one move of each chunk, in the plan's order: two slots of a chunk that move at the same time
 * fail each other's commit, and the second copy was made for nothing. Which slot goes first falls to
 * `choose`, so that the nodes of all zones have work in each turn.
 *
 * @param choose a number from 0 to below `of`, the same for the same chunk
 */
export function firstTurn(
  moves: readonly Move[],
  choose: (chunk: ChunkId, of: number) => number,
): readonly Move[] {
  const counts = new Map<ChunkId, number>();
  for (const { chunk } of moves) counts.set(chunk, (counts.get(chunk) ?? 0) + 1);
  const seen = new Map<ChunkId, number>();
  return moves.filter(({ chunk }) => {
    const turn = seen.get(chunk) ?? 0;
    seen.set(chunk, turn + 1);
    return turn === choose(chunk, counts.get(chunk)!);
  });
}
