import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkPlan } from '../../lib/core/check-plan.ts';
import type { FleetMap } from '../../lib/core/fleet-map.ts';
import { wholePlan } from '../../lib/core/plan.ts';
import { draftRebalance } from '../../lib/core/rebalance.ts';
import { anyFleet, erasure, movesOf, sketch, times, usedAfter } from './fleets.ts';

const warm = (fleet: FleetMap) => draftRebalance(fleet, { heatAware: true });
const nodes = (count: number) => Object.fromEntries(times(count, (at) => [`a${at}`, {}]));
/** One copy a chunk: its node and its heat. */
const heated = (...chunks: readonly (readonly [on: string, heat: number])[]) =>
  chunks.map(([on, heat]) => ({ on: [on], heat }));

describe('heat', () => {
  test('a hot slot and a cold one of equal size change places', () => {
    const fleet = sketch(nodes(2), heated(['a0', 60], ['a0', 60], ['a1', 0], ['a1', 0]));
    const plan = warm(fleet);
    expect(movesOf(wholePlan(plan))).toEqual(['c0.0 a0>a1', 'c2.0 a1>a0']);
    expect(plan).toMatchObject({
      bytesTotal: 2,
      bytesMinimum: 0,
      heat: { bytesForHeat: 2, hottestBefore: 2, hottestAfter: 1 },
    });
  });

  test('slots of other sizes do not', () => {
    const [first, ...rest] = heated(['a0', 60], ['a0', 60], ['a1', 0], ['a1', 0]);
    const fleet = sketch(nodes(2), [
      { ...first!, size: 2 },
      ...rest.map((each) => ({ ...each, size: 1 })),
    ]);
    expect(movesOf(wholePlan(warm(fleet)))).toEqual(['c1.0 a0>a1', 'c2.0 a1>a0']);
  });

  test('of the slots that move anyway the right ones are chosen, which costs no byte', () => {
    const fleet = sketch(
      nodes(2),
      heated(...times(5, () => ['a0', 0] as const), ...times(5, () => ['a0', 8] as const)),
    );
    const plan = warm(fleet);
    expect(plan).toMatchObject({ movesTotal: 5, bytesTotal: 5, bytesMinimum: 5 });
    expect(plan.heat).toMatchObject({ bytesForHeat: 0 });
    expect(plan.heat!.hottestAfter).toBeLessThanOrEqual(1.2);
  });

  test('a single slot hotter than a node should be stays: its neighbours leave', () => {
    const fleet = sketch(
      nodes(2),
      heated(['a0', 100], ['a0', 20], ['a0', 20], ['a1', 0], ['a1', 0], ['a1', 0]),
    );
    const moves = movesOf(wholePlan(warm(fleet)));
    expect(moves.filter((move) => move.includes('a0>a1'))).toEqual(['c1.0 a0>a1', 'c2.0 a0>a1']);
  });

  test('a parity shard is not read, so it cools nothing', () => {
    const stripes = times(4, () => ({
      on: ['a0', 'a1', 'a2'],
      rule: erasure(2, 1),
      size: 2,
      heat: 9,
    }));
    expect(warm(sketch(nodes(4), stripes)).heat!.hottestBefore).toBeGreaterThan(1);
  });

  test('without heat, or when it is not asked for, nothing changes', () => {
    const cold = sketch(nodes(2), heated(['a0', 0], ['a1', 0]));
    expect(warm(cold).heat).toBeUndefined();
    const hot = sketch(nodes(2), heated(['a0', 60], ['a0', 60], ['a1', 0], ['a1', 0]));
    expect(draftRebalance(hot)).toMatchObject({ movesTotal: 0 });
  });
});

describe('promises on random fleets', () => {
  test('no promise is broken, bytes end as without, and the hottest node is never hotter', () => {
    let cooled = 0;
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const plan = warm(fleet);
        const without = draftRebalance(fleet);
        const { heat } = plan;
        expect(checkPlan(fleet, wholePlan(plan))).toEqual([]);
        expect(usedAfter(fleet, wholePlan(plan))).toEqual(usedAfter(fleet, wholePlan(without)));
        expect(plan.bytesMinimum).toBe(without.bytesMinimum);
        if (heat === undefined) return;
        expect(plan.bytesTotal - heat.bytesForHeat).toBe(without.bytesTotal);
        expect(heat.hottestAfter).toBeLessThanOrEqual(heat.hottestBefore + 1e-9);
        cooled += heat.bytesForHeat > 0 ? 1 : 0;
      }),
      { numRuns: 1000 },
    );
    expect(cooled).toBeGreaterThan(5);
  });

  test('many equal slots with skewed heat: every node ends within the band, for few bytes', () => {
    const anyLoads = fc.array(
      fc.array(fc.constantFrom(0, 1, 2, 4, 16), { minLength: 60, maxLength: 60 }),
      {
        minLength: 2,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(anyLoads, (loads) => {
        const boost = (node: number) => 1 + node;
        const fleet = sketch(
          nodes(loads.length),
          loads.flatMap((heats, node) =>
            heats.map((heat) => ({ on: [`a${node}`], heat: heat * boost(node) })),
          ),
        );
        const plan = warm(fleet);
        if (plan.heat === undefined) return;
        // Of the hottest slots: in 40,000 draws the worst was 2.3 of them over the band.
        const granule = 3 * 16 * loads.length;
        const total = loads.flatMap((heats, node) => heats.map((heat) => heat * boost(node)));
        const mean = total.reduce((sum, heat) => sum + heat, 0) / loads.length;
        expect(plan.heat.hottestAfter).toBeLessThanOrEqual(1.05 + granule / mean);
        expect(plan.bytesTotal).toBeLessThanOrEqual(fleet.holders.length);
      }),
    );
  });
});
