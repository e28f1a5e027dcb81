import type { ChunkId } from './ids.ts';
import type { Move } from './plan.ts';

/**
 * The moves in rounds, each in the plan's order, at most one move of a chunk in each: two slots of a chunk that move
 * at the same time fail each other's commit, and the second copy was made for nothing. Which slot goes first
 * falls to `choose`, so that the nodes of all zones have work in each round; the others follow it round.
 *
 * @param choose a number from 0 to below `of`, the same for the same chunk
 */
export function inRounds(
  moves: readonly Move[],
  choose: (chunk: ChunkId, of: number) => number,
): readonly (readonly Move[])[] {
  const counts = new Map<ChunkId, number>();
  for (const { chunk } of moves) counts.set(chunk, (counts.get(chunk) ?? 0) + 1);
  const seen = new Map<ChunkId, number>();
  const rounds: Move[][] = [];
  for (const move of moves) {
    const nth = seen.get(move.chunk) ?? 0;
    seen.set(move.chunk, nth + 1);
    const of = counts.get(move.chunk)!;
    const round = (nth - choose(move.chunk, of) + of) % of;
    while (rounds.length <= round) rounds.push([]);
    rounds[round]!.push(move);
  }
  return rounds;
}
