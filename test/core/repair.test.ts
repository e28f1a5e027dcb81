import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkPlan } from '../../lib/core/check-plan.ts';
import type { FleetMap } from '../../lib/core/fleet-map.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { planRepair } from '../../lib/core/repair.ts';
import { anyFleet, erasure, movesOf, replicated, sketch } from './fleets.ts';

const three = [{ on: ['a0', 'b0', 'c0'] }];

test('the chunk that can lose fewest more holders comes first', () => {
  const fleet = sketch(
    { a0: { state: 'dead' }, a1: {}, a2: {}, b0: {}, b1: { state: 'dead' }, c0: {} },
    [
      { on: ['a0', 'b0', 'c0'] },
      { on: ['a0', 'b1', 'c0'] },
      { on: ['a0', 'b0', 'c0'], rule: erasure(2, 1), size: 4 },
    ],
  );
  expect(movesOf(planRepair(fleet, [nodeId('a0')]))).toEqual([
    'c2.0 a0>a1',
    'c1.0 a0>a2',
    'c0.0 a0>a2',
  ]);
});

test.each<[behaviour: string, ...fleet: Parameters<typeof sketch>, moves: string[]]>([
  [
    'in the same zone',
    { a0: {}, a1: { used: 50 }, b0: {}, c0: {} },
    [{ on: ['a0', 'b0'] }],
    ['c0.0 a0>a1'],
  ],
  [
    'in a zone without the chunk',
    { a0: {}, b0: {}, b1: {}, c0: {} },
    [{ on: ['a0', 'b0'] }],
    ['c0.0 a0>c0'],
  ],
  [
    'beside another copy rather than nowhere',
    { a0: {}, b0: {}, b1: {} },
    [{ on: ['a0', 'b0'] }],
    ['c0.0 a0>b1'],
  ],
])('a lost slot is built again %s', (_behaviour, nodes, chunks, moves) => {
  expect(movesOf(planRepair(sketch(nodes, chunks), [nodeId('a0')]))).toEqual(moves);
});

test('what cannot be rebuilt is a block and holds up nothing else', () => {
  const fleet = sketch({ a0: { state: 'dead' }, a1: {}, b0: {} }, [
    { on: ['a0'], rule: replicated(1) },
    { on: ['a0', 'b0'] },
  ]);
  const plan = planRepair(fleet, ['a0', 'x9'].map(nodeId));
  expect(movesOf(plan)).toEqual(['c1.0 a0>a1']);
  expect(plan.blocks).toEqual([
    { kind: 'unknown-node', node: 'x9' },
    { kind: 'too-few-holders', chunk: 'c0', live: 0, needed: 1 },
  ]);
  expect(plan).toMatchObject({ job: 'repair', bytesTotal: 1, bytesMinimum: 1 });
});

test('a damaged slot moves off its holder, once, and only while it is there', () => {
  const fleet = sketch({ a0: {}, a1: {}, b0: {}, b1: {}, c0: {}, c1: {} }, [
    { on: ['a0', 'b0', 'c0'] },
    { on: ['a0', 'b0', 'c0'], rule: erasure(2, 1), size: 4 },
  ]);
  const at = (chunk: string, slot: number, node: string) => ({
    ...{ chunk: chunkId(chunk), slot, node: nodeId(node) },
  });
  const damaged = [at('c0', 0, 'a0'), at('c1', 1, 'b0'), at('c1', 2, 'c1'), at('c9', 0, 'a0')];
  expect(movesOf(planRepair(fleet, [], {}, damaged))).toEqual(['c1.1 b0>b1', 'c0.0 a0>a1']);
  const beyond = planRepair(fleet, [], {}, [at('c1', 0, 'a0'), at('c1', 1, 'b0')]);
  expect(beyond.moves).toEqual([]);
  expect(beyond.blocks).toMatchObject([{ kind: 'too-few-holders', live: 1, needed: 2 }]);
});

test.each<[behaviour: string, ...fleet: Parameters<typeof sketch>, moves: string[]]>([
  ['on another node of its zone', { a0: {}, a1: {}, b0: {}, c0: {} }, three, ['c0.0 a0>a1']],
  ['in place before another zone', { a0: {}, b0: {}, c0: {}, d0: {} }, three, ['c0.0 a0>a0']],
  ['in place before a crowded zone', { a0: {}, b0: {}, b1: {}, c0: {} }, three, ['c0.0 a0>a0']],
  [
    'elsewhere when its holder takes no copies',
    { a0: { state: 'draining' }, b0: {}, b1: {}, c0: {} },
    three,
    ['c0.0 a0>b1'],
  ],
  [
    'elsewhere when its holder has no room for both at once',
    { a0: { used: 95 }, b0: {}, c0: {}, d0: {} },
    three,
    ['c0.0 a0>d0'],
  ],
])('a damaged slot is built again %s', (_behaviour, nodes, chunks, moves) => {
  const fleet = sketch(nodes, chunks);
  const damaged = [{ chunk: chunkId('c0'), slot: 0, node: nodeId('a0') }];
  const plan = planRepair(fleet, [], {}, damaged);
  expect(movesOf(plan)).toEqual(moves);
  expect(plan).toMatchObject({ blocks: [], bytesTotal: 1, bytesMinimum: 1 });
  expect(checkPlan(fleet, plan, { damaged })).toEqual([]);
});

test('what has no target is a block', () => {
  const fleet = sketch({ a0: { state: 'dead' }, b0: {} }, [{ on: ['a0', 'b0'] }]);
  const plan = planRepair(fleet, [nodeId('a0')]);
  expect(plan.blocks).toMatchObject([{ kind: 'zone-lacks-room' }, { kind: 'no-node-fits' }]);
  expect(plan).toMatchObject({ moves: [], bytesTotal: 0, bytesMinimum: 0 });
});

test('no promise is broken on random fleets with damage beside what was lost', () => {
  const anyDamage = fc.tuple(anyFleet, fc.nat(), fc.array(fc.nat(), { maxLength: 5 }));
  fc.assert(
    fc.property(anyDamage, ([fleet, lose, picks]) => {
      const lost = [fleet.nodes[lose % fleet.nodes.length]!.id];
      const held = [...fleet.holders.keys()].filter((at) => fleet.holders[at]! >= 0);
      const damaged =
        held.length === 0 ? [] : picks.map((pick) => slotAt(fleet, held[pick % held.length]!));
      const plan = planRepair(fleet, lost, {}, damaged);
      expect(checkPlan(fleet, plan, { lost, damaged })).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

const slotAt = (fleet: FleetMap, at: number) => {
  const chunk = fleet.chunkOfSlot[at]!;
  const slot = at - fleet.slotStart[chunk]!;
  return { chunk: fleet.chunkIds.at(chunk), slot, node: fleet.nodes[fleet.holders[at]!]!.id };
};

test('no promise is broken on random fleets', () => {
  const anyLoss = fc.tuple(anyFleet, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(anyLoss, ([fleet, picks]) => {
      const lost = [...new Set(picks.map((pick) => fleet.nodes[pick % fleet.nodes.length]!.id))];
      expect(checkPlan(fleet, planRepair(fleet, lost), { lost })).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
