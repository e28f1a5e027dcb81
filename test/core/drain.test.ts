import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkPlan } from '../../lib/core/check-plan.ts';
import { planDrain } from '../../lib/core/drain.ts';
import type { Redundancy } from '../../lib/core/fleet.ts';
import { type NodeId, nodeId, zone } from '../../lib/core/ids.ts';
import { placeWrite } from '../../lib/core/place-write.ts';
import { bytes } from '../../lib/core/units.ts';
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

const ids = (...names: string[]): NodeId[] => names.map(nodeId);
const a = (count: number): Record<string, NodeSketch> =>
  Object.fromEntries(times(count, (at) => [`a${at}`, {}]));

describe('where a leaving slot goes', () => {
  test.each<[behaviour: string, ...fleet: Parameters<typeof sketch>, moves: string[]]>([
    [
      'to the emptiest node of its zone',
      { a0: {}, a1: { used: 50 }, a2: { used: 40 }, b0: {} },
      [{ on: ['a0'] }],
      ['c0.0 a0>a2'],
    ],
    [
      'to the emptiest by share, not by bytes',
      { a0: {}, a1: { used: 50 }, a2: { used: 60, capacity: 200 } },
      [{ on: ['a0'] }],
      ['c0.0 a0>a2'],
    ],
    [
      'to the lower id if both are as empty',
      { a0: {}, a2: {}, a1: {} },
      [{ on: ['a0'] }],
      ['c0.0 a0>a1'],
    ],
    [
      'not to a node of another class',
      { a0: {}, a1: { class: 'metadata' }, a2: { used: 40 } },
      [{ on: ['a0'] }],
      ['c0.0 a0>a2'],
    ],
    [
      'metadata to a metadata node',
      { a0: {}, a1: { class: 'metadata' }, a2: { class: 'data' } },
      [{ on: ['a0'], kind: 'metadata' }],
      ['c0.0 a0>a1'],
    ],
    [
      'not to a node that holds the chunk',
      { a0: {}, a1: {}, a2: { used: 9 } },
      [{ on: ['a0', 'a1'] }],
      ['c0.0 a0>a2'],
    ],
    [
      'not to a joining node',
      { a0: {}, a1: { state: 'joining' }, a2: { used: 9 } },
      [{ on: ['a0'] }],
      ['c0.0 a0>a2'],
    ],
    [
      'to another zone that lacks the chunk, when its own is full',
      { a0: {}, a1: { used: 95 }, b0: {}, c0: { used: 9 } },
      [{ on: ['a0', 'b0'] }],
      ['c0.0 a0>c0'],
    ],
    [
      'a shard out of a zone that has too many',
      { a0: {}, a1: {}, a2: {}, a3: {}, b0: {}, b1: {} },
      [{ on: ['a0', 'a1', 'a2'], rule: erasure(2, 1), size: 2 }],
      ['c0.0 a0>b0'],
    ],
    [
      'a shard stays where there are too many if nothing else has room',
      { a0: {}, a1: {}, a2: {}, a3: {}, b0: { used: 95 } },
      [{ on: ['a0', 'a1', 'a2'], rule: erasure(2, 1), size: 2 }],
      ['c0.0 a0>a3'],
    ],
  ])('%s', (_behaviour, nodes, chunks, moves) => {
    expect(movesOf(planDrain(sketch(nodes, chunks), ids('a0')))).toEqual(moves);
  });

  test('nodes that leave together do not receive from each other', () => {
    const fleet = sketch(a(4), [{ on: ['a0'] }, { on: ['a1'] }]);
    const plan = planDrain(fleet, ids('a0', 'a1', 'a0'));
    expect(movesOf(plan)).toEqual(['c0.0 a0>a2', 'c1.0 a1>a3']);
    expect(plan).toMatchObject({ job: 'drain', bytesTotal: 2, bytesMinimum: 2 });
  });

  test('large slots first, so that those that stay end level', () => {
    const sizes = [1, 1, 2, 30, 1, 1, 10, 10, 10];
    const fleet = sketch(
      a(3),
      sizes.map((size) => ({ on: ['a0'], size })),
    );
    const after = usedAfter(fleet, planDrain(fleet, ids('a0')));
    expect([after.get('a0'), after.get('a1'), after.get('a2')]).toEqual([0, 33, 33]);
  });

  test('a draining node may be planned again', () => {
    const fleet = sketch({ a0: { state: 'draining' }, a1: {} }, [{ on: ['a0'] }]);
    expect(movesOf(planDrain(fleet, ids('a0'), { job: 'scale-in' }))).toEqual(['c0.0 a0>a1']);
  });
});

describe('what keeps a drain from starting', () => {
  const stripe = { on: ['a0', 'a1', 'a2'], rule: erasure(2, 1), size: 2 };
  test.each<[string, ...fleet: Parameters<typeof sketch>, leaving: string[], blocks: object[]]>([
    ['an unknown node', a(2), [], ['x9'], [{ kind: 'unknown-node', node: 'x9' }]],
    [
      'a node in another state',
      { ...a(2), a2: { state: 'dead' } },
      [],
      ['a2'],
      [{ kind: 'wrong-state', node: 'a2', state: 'dead' }],
    ],
    [
      'the last node of a zone',
      { a0: {}, b0: {} },
      [],
      ['a0'],
      [{ kind: 'last-node-of-zone', node: 'a0', zone: 'a' }],
    ],
    [
      'all active nodes of a zone',
      { ...a(2), a2: { state: 'joining' } },
      [],
      ['a0', 'a1'],
      [{ kind: 'last-node-of-zone' }, { kind: 'last-node-of-zone' }],
    ],
    [
      'a chunk that lacks a copy',
      a(3),
      [{ on: ['a0'], rule: replicated(2) }],
      ['a0'],
      [{ kind: 'too-few-holders', chunk: 'c0', live: 1, needed: 2 }],
    ],
    [
      'a chunk with a copy on a dead node',
      { ...a(2), b0: { state: 'dead' } },
      [{ on: ['a0', 'b0'] }],
      ['a0'],
      [{ kind: 'too-few-holders', live: 1, needed: 2 }],
    ],
    [
      'too little room',
      { a0: {}, a1: { used: 90 } },
      [
        { on: ['a0'], size: 3 },
        { on: ['a0'], size: 4 },
      ],
      ['a0'],
      [
        { kind: 'zone-lacks-room', zone: 'a', neededBytes: 7, roomBytes: 5, slots: 1 },
        { kind: 'no-node-fits', chunk: 'c0', bytes: 3, from: 'a0', zones: ['a'] },
      ],
    ],
    [
      'no node without a shard',
      a(3),
      [stripe],
      ['a0'],
      [{ kind: 'zone-lacks-room', slots: 1 }, { kind: 'no-node-fits' }],
    ],
  ])('%s', (_behaviour, nodes, chunks, leaving, blocks) => {
    const plan = planDrain(sketch(nodes, chunks), ids(...leaving));
    expect(plan.blocks).toMatchObject(blocks);
    expect(plan.blocks).toHaveLength(blocks.length);
    expect(plan.moves).toEqual([]);
  });

  test('many blocks of a kind are counted, not listed', () => {
    const fleet = sketch(
      { a0: {}, a1: { used: 95 } },
      times(50, () => ({ on: ['a0'] })),
    );
    const { blocks } = planDrain(fleet, ids('a0'));
    expect(blocks).toHaveLength(9);
    expect(blocks[0]).toMatchObject({ kind: 'zone-lacks-room', neededBytes: 50, slots: 50 });
    const short = sketch(
      a(2),
      times(50, () => ({ on: ['a0'], rule: replicated(2) })),
    );
    expect(planDrain(short, ids('a0')).blocks).toHaveLength(8);
  });
});

describe('promises on random fleets', () => {
  const anyDrain = fc.tuple(anyFleet, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }));
  const leavingOf = (fleet: Parameters<typeof planDrain>[0], picks: readonly number[]) => [
    ...new Set(picks.map((pick) => fleet.nodes[pick % fleet.nodes.length]!.id)),
  ];

  test('no promise is broken, and exactly the leaving slots move', () => {
    let planned = 0;
    fc.assert(
      fc.property(anyDrain, ([fleet, picks]) => {
        const leaving = leavingOf(fleet, picks);
        const plan = planDrain(fleet, leaving);
        expect(checkPlan(fleet, plan, { leaving })).toEqual([]);
        if (plan.blocks.length > 0) return;
        const gone = new Set(leaving);
        const slots = fleet.holders.filter(
          (holder) => holder >= 0 && gone.has(fleet.nodes[holder]!.id),
        );
        expect(plan.moves).toHaveLength(slots.length);
        expect(plan.bytesTotal).toBe(plan.bytesMinimum);
        planned += plan.moves.length > 0 ? 1 : 0;
      }),
      { numRuns: 1500 },
    );
    expect(planned).toBeGreaterThan(100);
  });

  test('with room to the byte or a byte less, a joint drain is planned within its limits or blocked', () => {
    const outcomes = { planned: 0, blocked: 0 };
    const anyTightFleet = fc.record({
      free: fc.array(fc.constantFrom(0, 6, 7, 8, 13, 14, 15, 63, 64, 65), {
        minLength: 1,
        maxLength: 6,
      }),
      sizes: fc.array(fc.constantFrom(1, 7, 8, 64), { minLength: 1, maxLength: 6 }),
      leaving: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(anyTightFleet, ({ free, sizes, leaving }) => {
        const gone = times(leaving, (at) => `a${at}`);
        const fleet = sketch(
          {
            ...Object.fromEntries(gone.map((id) => [id, {}])),
            ...Object.fromEntries(
              free.map((bytes, at) => [`a${9 - at}`, { used: 950 - bytes, capacity: 1000 }]),
            ),
          },
          sizes.map((size, at) => ({ on: [gone[at % leaving]!], size })),
        );
        const plan = planDrain(fleet, ids(...gone));
        expect(checkPlan(fleet, plan, { leaving: ids(...gone) })).toEqual([]);
        expect(plan.moves).toHaveLength(plan.blocks.length > 0 ? 0 : sizes.length);
        outcomes[plan.blocks.length > 0 ? 'blocked' : 'planned'] += 1;
      }),
      { numRuns: 500 },
    );
    expect(Math.min(outcomes.planned, outcomes.blocked)).toBeGreaterThan(30);
  });

  test('equal slots: nodes that take end within a slot of one level, those above it take nothing', () => {
    const anyLoads = fc.array(fc.nat(60), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(anyLoads, fc.array(fc.nat(80), { minLength: 1, maxLength: 3 }), (stay, leave) => {
        const loads = [...leave, ...stay];
        const fleet = sketch(
          Object.fromEntries(
            loads.map((_, at) => [`a${String(at).padStart(2, '0')}`, { capacity: 500 }]),
          ),
          loads.flatMap((load, at) =>
            times(load, () => ({ on: [`a${String(at).padStart(2, '0')}`] })),
          ),
        );
        const leaving = fleet.nodes.slice(0, leave.length).map(({ id }) => id);
        const after = [...usedAfter(fleet, planDrain(fleet, leaving)).values()].slice(leave.length);
        const taking = after.filter((used, at) => used > stay[at]!);
        const level = Math.max(0, ...taking);
        for (const used of taking) expect(used).toBeGreaterThanOrEqual(level - 2);
        after.forEach((used, at) => {
          if (used === stay[at]) expect(used).toBeGreaterThanOrEqual(level - 2);
        });
      }),
    );
  });

  test('the order in which a fleet is read does not change where slots go', () => {
    const nodes = { a0: {}, a1: {}, a2: { used: 3 }, a3: {} };
    const backwards = Object.fromEntries(Object.entries(nodes).reverse());
    const chunks = times(9, () => ({ on: ['a0'] }));
    const plans = [nodes, backwards].map((each) => planDrain(sketch(each, chunks), ids('a0')));
    expect(movesOf(plans[0]!)).toEqual(movesOf(plans[1]!));
  });
});

describe('under hash', () => {
  const nodes: Record<string, NodeSketch> = Object.fromEntries(
    ['a', 'b', 'c'].flatMap((where) => times(4, (at) => [`${where}${at}`, { capacity: 1_000 }])),
  );
  const preferredBy = (seed: string, rule: Redundancy, without = ''): readonly string[] => {
    const rooms = Object.keys(nodes)
      .filter((id) => id !== without)
      .map((id) => ({
        ...{ id: nodeId(id), zone: zone(id[0]!), class: 'mixed' as const },
        ...{ capacity: bytes(1_000), used: bytes(0) },
      }));
    const request = { size: bytes(1), kind: 'data', redundancy: rule, seed } as const;
    const choice = placeWrite(rooms, { ...request, placement: 'hash' });
    return choice.kind === 'placed' ? choice.holders : [];
  };

  test.each([
    ['copies', replicated(3)],
    ['shards', erasure(4, 2)],
  ])('a leaving slot goes to the next preferred holder: %s', (_what, rule) => {
    const chunks = times(200, (n) => ({ on: [...preferredBy(`c${n}`, rule)], rule }));
    const fleet = sketch(nodes, chunks);
    const plan = planDrain(fleet, ids('a1'), { placement: 'hash' });
    expect(checkPlan(fleet, plan, { leaving: ids('a1') })).toEqual([]);
    for (const { chunk, slot, to } of plan.moves) {
      const on = [...chunks[Number(chunk.slice(1))]!.on];
      on[slot] = to;
      expect(on.toSorted()).toEqual([...preferredBy(chunk, rule, 'a1')].toSorted());
    }
    expect(plan.moves.length).toBeGreaterThan(30);
  });

  test('a preferred holder that is full or of another class is passed over', () => {
    const preferred = preferredBy('c0', replicated(3), 'a1').find((id) => id.startsWith('a'))!;
    for (const change of [{ used: 950 }, { class: 'metadata' as const }]) {
      const changed = { ...nodes, [preferred]: { ...nodes[preferred], ...change } };
      const fleet = sketch(changed, [{ on: ['a1', 'b0', 'c0'] }]);
      const [move] = planDrain(fleet, ids('a1'), { placement: 'hash' }).moves;
      expect(move?.to).toMatch(/^a/);
      expect(move?.to).not.toBe(preferred);
    }
  });
});
