import { expect, test } from 'vitest';
import { costOfMoves } from '../../lib/core/move-cost.ts';

test.each([
  ['30 KB, 2,000 chunks', { moves: 2_000, batches: 7 }, 3.27, 0.15],
  ['64 MiB, 2,000 chunks', { moves: 2_000, batches: 32 }, 3.64, 0.34],
  ['64 MiB, 10,000 chunks', { moves: 10_000, batches: 157 }, 2.87, 0.31],
])('is what was counted, within a tenth: %s', (_drain, moved, dollarsAMillion, callsAMove) => {
  const cost = costOfMoves({ ...moved, batchSeconds: 0, bytesCrossZone: 0 });
  const found = (cost.dollarsRequests / moved.moves) * 1e6;
  expect(Math.abs(found / dollarsAMillion - 1)).toBeLessThan(0.1);
  expect(Math.abs(cost.calls / moved.moves / callsAMove - 1)).toBeLessThan(0.1);
});

test('a petabyte from zone to zone is 20,000 dollars, and no move is free of charge only if there is none', () => {
  const nothing = { moves: 0, batches: 0, batchSeconds: 0, bytesCrossZone: 0 };
  expect(costOfMoves(nothing).dollars).toBe(0);
  expect(costOfMoves({ ...nothing, bytesCrossZone: 1e15 }).dollarsCrossZone).toBeCloseTo(20_000);
});
