import { expect, test } from 'vitest';
import { simulate } from '../../lib/sim/simulate.ts';
import { plants } from './plants.ts';

/** A check of the checker: each bug is found within so many seeds, or the simulation is too tame. */
const seedsMax = 500;

test('at least a dozen bugs are planted', () => {
  expect(Object.keys(plants).length).toBeGreaterThanOrEqual(12);
});

test.each(Object.entries(plants))('finds that %s', { timeout: 120_000 }, async (_bug, plant) => {
  let found: string | undefined;
  for (let seed = 1; seed <= seedsMax && found === undefined; seed++) {
    const { violation } = await simulate({ seed, plant });
    if (violation !== undefined && plant.breaks.includes(violation.invariant)) {
      found = violation.invariant;
    }
  }
  expect(plant.breaks).toContain(found);
});
