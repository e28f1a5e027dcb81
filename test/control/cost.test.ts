import { expect, test } from 'vitest';
import { costOfMoves } from '../bench/cost-of-moves.ts';

/** The figures of docs/cost.md: a change that makes moves dearer shows here. */

test('a drain of 2,000 small chunks takes at most 0.15 AWS calls a chunk', async () => {
  const { cost, callsPerMove } = await costOfMoves({ chunksMin: 2_000, chunkBytes: 30_000 });
  expect(cost.moves).toBeGreaterThanOrEqual(2_000);
  expect(cost.bytesAcrossZones).toBe(0);
  expect(callsPerMove).toBeLessThanOrEqual(0.15);
});

test('a million moves of the largest chunks cost at most $4', async () => {
  // A node of a quarter of a TiB: a smaller one has more of the small batches that end a job in time.
  const shape = { chunksMin: 4_000, chunkBytes: 64 * 2 ** 20 };
  const { requestsTotal, cost } = await costOfMoves(shape);
  expect(cost.moves).toBeGreaterThanOrEqual(4_000);
  expect(requestsTotal).toBeLessThanOrEqual(4);
});
