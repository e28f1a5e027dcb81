import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkPlan } from '../../lib/core/check-plan.ts';
import type { FleetMap } from '../../lib/core/fleet-map.ts';
import { planRebalance } from '../../lib/core/rebalance.ts';
import { classLevels } from '../../lib/core/target.ts';
import {
  anyFleet,
  erasure,
  movesOf,
  type NodeSketch,
  replicated,
  sketch,
  times,
  usedAfter,
} from './fleets.ts';

/** `counts[node]` chunks of one byte on each node, one copy a chunk. */
const loaded = (counts: Readonly<Record<string, number>>, nodes: Record<string, NodeSketch> = {}) =>
  sketch(
    { ...Object.fromEntries(Object.keys(counts).map((id) => [id, {}])), ...nodes },
    Object.entries(counts).flatMap(([id, count]) => times(count, () => ({ on: [id] }))),
  );

const levelled = (fleet: FleetMap, policy = {}): Record<string, number> =>
  Object.fromEntries(usedAfter(fleet, planRebalance(fleet, policy)));

describe('levels within a zone', () => {
  test.each<
    [
      behaviour: string,
      before: Record<string, number>,
      nodes: Record<string, NodeSketch>,
      after: Record<string, number>,
    ]
  >([
    [
      'a node that has just joined is filled',
      { a0: 30, a1: 30, a2: 0 },
      {},
      { a0: 20, a1: 20, a2: 20 },
    ],
    ['a full node gives', { a0: 40, a1: 10, a2: 10 }, {}, { a0: 20, a1: 20, a2: 20 }],
    ['shares follow capacity', { a0: 70, a1: 0 }, { a1: { capacity: 40 } }, { a0: 50, a1: 20 }],
    [
      'a chunk cannot be split: within one of the mean',
      { a0: 11, a1: 0, a2: 0 },
      {},
      { a0: 4, a1: 4, a2: 3 },
    ],
    ['what is level stays', { a0: 20, a1: 20 }, {}, { a0: 20, a1: 20 }],
    ['one slot off is level', { a0: 21, a1: 20, a2: 19 }, {}, { a0: 21, a1: 20, a2: 19 }],
    ['a joining node waits', { a0: 30, a1: 0 }, { a1: { state: 'joining' } }, { a0: 30, a1: 0 }],
    [
      'a draining node is no target and no source',
      { a0: 30, a1: 9, a2: 0 },
      { a1: { state: 'draining' } },
      { a0: 15, a1: 9, a2: 15 },
    ],
  ])('%s', (_behaviour, before, nodes, after) => {
    expect(levelled(loaded(before, nodes))).toEqual(after);
  });

  test('inside the band nothing moves, outside all are brought to the mean', () => {
    const fleet = loaded({ a0: 33, a1: 30, a2: 27 });
    expect(planRebalance(fleet, { rebalanceBand: 0.1 }).moves).toEqual([]);
    expect(levelled(fleet, { rebalanceBand: 0.05 })).toEqual({ a0: 30, a1: 30, a2: 30 });
  });

  test('three copies in three zones stay in their zones, however unequal these are', () => {
    const on = [
      ['a0', 'b0', 'c0'],
      ['a0', 'b1', 'c0'],
      ['a0', 'b0', 'c0'],
      ['a0', 'b1', 'c0'],
    ];
    const fleet = sketch(
      { a0: {}, a1: {}, b0: {}, b1: {}, c0: {} },
      on.map((holders) => ({ on: holders })),
    );
    expect(movesOf(planRebalance(fleet))).toEqual(['c0.0 a0>a1', 'c1.0 a0>a1']);
  });

  test('parked copies and other bytes on the disk take room but are not levelled again', () => {
    const fleet = loaded({ a0: 20, a1: 20 }, { a0: { used: 60 } });
    expect(planRebalance(fleet).moves).toEqual([]);
    const full = loaded({ a0: 40, a1: 0 }, { a1: { used: 90 } });
    expect(levelled(full)).toEqual({ a0: 35, a1: 5 });
  });

  test('shards of a stripe do not meet', () => {
    const rule = erasure(2, 1);
    const fleet = sketch(
      { a0: {}, a1: {}, b0: {}, b1: {}, c0: {} },
      times(6, () => ({ on: ['a0', 'b0', 'c0'], rule, size: 2 })),
    );
    expect(levelled(fleet)).toEqual({ a0: 3, a1: 3, b0: 3, b1: 3, c0: 6 });
  });
});

describe('levels between zones, where the zone rule lets slots go', () => {
  test('a new zone is filled', () => {
    const fleet = loaded({ a0: 40, b0: 40, c0: 0 });
    expect(Object.values(levelled(fleet)).every((used) => used >= 26 && used <= 27)).toBe(true);
  });

  test('a copy does not join another of its chunk in a zone', () => {
    const fleet = sketch({ a0: {}, a1: {}, b0: {}, b1: { capacity: 900 } }, [
      ...times(10, () => ({ on: ['a0', 'b0'] })),
      ...times(10, () => ({ on: ['a1'] })),
    ]);
    const plan = planRebalance(fleet);
    expect(checkPlan(fleet, plan)).toEqual([]);
    expect(plan.moves.some(({ from, to }) => from === 'a1' && to === 'b1')).toBe(true);
    expect(plan.moves.some(({ from, to }) => from === 'a0' && to === 'b1')).toBe(false);
  });
});

describe('node classes', () => {
  test.each([
    [
      'one level if it can be',
      { data: 60, metadata: 30 },
      { data: 50, metadata: 20, mixed: 20 },
      [1, 1, 1],
    ],
    [
      'data nodes cannot take metadata',
      { data: 10, metadata: 80 },
      { data: 50, metadata: 40, mixed: 40 },
      [0.2, 1, 1],
    ],
    [
      'metadata nodes cannot take data',
      { data: 80, metadata: 4 },
      { data: 40, metadata: 40, mixed: 40 },
      [1, 0.1, 1],
    ],
    [
      'only data nodes, and metadata lost on them',
      { data: 0, metadata: 10 },
      { data: 10, metadata: 0, mixed: 0 },
      [0, 0, 0],
    ],
  ])('%s', (_behaviour, held, capacity, [data, metadata, mixed]) => {
    expect(classLevels(held, capacity)).toEqual({ data, metadata, mixed });
  });

  test('a mixed node passes metadata on so that a data node can give it data', () => {
    const fleet = sketch({ a0: { class: 'data' }, a1: {}, a2: { class: 'metadata' } }, [
      ...times(30, () => ({ on: ['a0'] })),
      ...times(30, () => ({ on: ['a1'], kind: 'metadata' as const })),
    ]);
    expect(levelled(fleet)).toEqual({ a0: 20, a1: 20, a2: 20 });
  });

  test('a metadata node gives to a mixed node', () => {
    const fleet = sketch(
      { a0: { class: 'metadata' }, a1: {} },
      times(30, () => ({ on: ['a0'], kind: 'metadata' as const })),
    );
    expect(levelled(fleet)).toEqual({ a0: 15, a1: 15 });
  });
});

describe('promises on random fleets', () => {
  test('no promise is broken, and no plan is below its minimum', () => {
    let planned = 0;
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const plan = planRebalance(fleet);
        expect(checkPlan(fleet, plan)).toEqual([]);
        expect(plan.bytesMinimum).toBeLessThanOrEqual(plan.bytesTotal);
        planned += plan.moves.length > 0 ? 1 : 0;
      }),
      { numRuns: 1500 },
    );
    expect(planned).toBeGreaterThan(300);
  });

  test('equal slots, one class: every node ends within a slot of the mean, at the minimum, and stays', () => {
    const anyLoads = fc.array(
      fc.record({ capacity: fc.constantFrom(400, 800, 1600), load: fc.nat(200) }),
      {
        minLength: 2,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(anyLoads, (loads) => {
        const name = (at: number) => `a${String(at).padStart(2, '0')}`;
        const fleet = loaded(
          Object.fromEntries(loads.map(({ load }, at) => [name(at), load])),
          Object.fromEntries(loads.map(({ capacity }, at) => [name(at), { capacity }])),
        );
        const plan = planRebalance(fleet, { rebalanceBand: 0 });
        const after = usedAfter(fleet, plan);
        const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
        const level = sum([...after.values()]) / sum(loads.map(({ capacity }) => capacity));
        loads.forEach(({ capacity }, at) => {
          expect(Math.abs(after.get(name(at))! - level * capacity)).toBeLessThanOrEqual(1 + 1e-9);
        });
        const off = loads.map(({ load, capacity }) => Math.max(0, load - level * capacity));
        expect(plan.bytesTotal).toBeLessThanOrEqual(sum(off) + 1e-9);
      }),
    );
  });

  test('one copy of everything: a fleet that was levelled is left alone', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 2, maxLength: 9 }), (loads) => {
        const fleet = loaded(Object.fromEntries(loads.map((load, at) => [`a${at}`, load])));
        const after = levelled(fleet);
        expect(planRebalance(loaded(after)).moves).toEqual([]);
      }),
    );
  });
});

test('a rule of copies that no zone can hold apart does not stop the levelling', () => {
  const fleet = sketch(
    { a0: {}, a1: {}, a2: {} },
    times(8, () => ({ on: ['a0', 'a1'], rule: replicated(2) })),
  );
  expect(Object.values(levelled(fleet)).sort()).toEqual([5, 5, 6]);
});
