import { expect, test } from 'vitest';
import { checkPlan, type Promises } from '../../lib/core/check-plan.ts';
import { planDrain } from '../../lib/core/drain.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { violationsMax } from '../../lib/core/limits.ts';
import type { Move, Plan } from '../../lib/core/plan.ts';
import { bytes } from '../../lib/core/units.ts';
import { erasure, sketch, times } from './fleets.ts';

/** c0 in three zones; c1 twice in zone a; c2 a stripe with two shards in zone a and one in b. */
const fleet = sketch(
  {
    a0: {},
    a1: {},
    a2: { class: 'metadata' },
    a3: { used: 95 },
    a4: { state: 'dead' },
    b0: {},
    b1: {},
    c0: {},
  },
  [
    { on: ['a0', 'b0', 'c0'], size: 4 },
    { on: ['a0', 'a1'], size: 4 },
    { on: ['a0', 'b0', 'c0'], rule: erasure(2, 1), size: 4 },
    { on: ['a0', 'a1', 'b0'], rule: erasure(2, 1), size: 4 },
  ],
);

/** `c0.0 a0>a1 4` */
function move(text: string): Move {
  const [, chunk, slot, from, to, size] = /^(\w+)\.(\d+) (\w+)>(\w+) (\d+)$/.exec(text)!;
  return {
    chunk: chunkId(chunk!),
    slot: Number(slot),
    from: nodeId(from!),
    to: nodeId(to!),
    bytes: bytes(Number(size)),
  };
}

const planOf = (moves: readonly Move[], total?: number): Plan => ({
  job: 'rebalance',
  moves,
  bytesTotal: bytes(total ?? moves.reduce((sum, each) => sum + each.bytes, 0)),
  bytesMinimum: bytes(0),
  blocks: [],
});

const kinds = (plan: Plan, promises?: Promises) =>
  checkPlan(fleet, plan, promises).map(({ kind }) => kind);

test.each<[behaviour: string, moves: string[], violations: string[]]>([
  ['a good move', ['c0.0 a0>a1 4'], []],
  ['a move to where the slot is', ['c0.0 a0>a0 4'], ['stays']],
  ['a chunk that is not there', ['c9.0 a0>a1 4'], ['unknown-slot']],
  ['a slot that is not there', ['c0.3 a0>a1 4'], ['unknown-slot']],
  ['a node that is not there', ['c0.0 a0>x9 4'], ['unknown-destination']],
  ['a slot that moves twice', ['c0.0 a0>a1 4', 'c0.0 a1>b1 4'], ['slot-moves-twice']],
  ['a source that does not hold the slot', ['c0.0 a1>b1 4'], ['not-the-holder', 'zones-fewer']],
  ['other bytes than the slot has', ['c0.0 a0>a1 5'], ['wrong-bytes']],
  ['a shard that is not ⌈size / k⌉', ['c2.0 a0>a1 4'], ['wrong-bytes']],
  ['a node of another class', ['c0.0 a0>a2 4'], ['wrong-class']],
  ['a dead node', ['c0.0 a0>a4 4'], ['closed-destination', 'zones-fewer']],
  ['a full node', ['c0.0 a0>a3 4'], ['no-room']],
  ['two slots of a chunk on one node', ['c1.0 a0>a1 4'], ['two-slots-on-node']],
  ['fewer zones', ['c0.0 a0>b1 4'], ['zones-fewer']],
  ['more zones', ['c1.0 a0>b1 4'], []],
  ['a shard too many in a zone', ['c2.0 a0>b1 2'], ['zones-fewer', 'zone-over-parity']],
  [
    'a shard that stays in a crowded zone',
    ['c3.1 a1>a0 2'],
    ['two-slots-on-node', 'zone-over-parity'],
  ],
  ['a shard that leaves a crowded zone', ['c3.1 a1>c0 2'], []],
])('%s', (_behaviour, moves, violations) => {
  expect(kinds(planOf(moves.map(move)))).toEqual(violations);
});

test('the numbers of a plan must add up', () => {
  expect(checkPlan(fleet, planOf([move('c0.0 a0>a1 4')], 5))).toEqual([
    { kind: 'wrong-total', bytesTotal: 5, expected: 4 },
  ]);
});

test('a drain moves nothing else, leaves nothing, and takes nothing to a leaving node', () => {
  const leaving = [nodeId('c0')];
  const good = planOf([]);
  expect(kinds(good, { leaving })).toEqual(['left-behind']);
  expect(
    checkPlan(fleet, { ...good, blocks: planDrain(fleet, leaving).blocks }, { leaving }),
  ).toEqual([]);
  const others = planOf([move('c0.0 a0>a1 4')]);
  expect(kinds(others, { leaving })).toEqual(['needless-move', 'left-behind']);
  const together = [nodeId('a0'), nodeId('a1')];
  expect(kinds(planOf([move('c0.0 a0>a1 4')]), { leaving: together })).toContain(
    'closed-destination',
  );
});

test('a repair takes nothing to a lost node, and its zones are those that are left', () => {
  const lost = [nodeId('a0')];
  expect(kinds(planOf([move('c0.0 a0>b1 4')]), { lost })).toEqual(['left-behind']);
  expect(kinds(planOf([move('c0.1 b0>a0 4')]), { lost })).toContain('closed-destination');
});

test('a hopeless plan is not listed to its end', () => {
  const moves = times(violationsMax + 5, () => move('c9.0 a0>a1 4'));
  expect(checkPlan(fleet, planOf(moves))).toHaveLength(violationsMax);
});

test('a damaged slot may be mended where it is, another not', () => {
  const damaged = [{ chunk: chunkId('c0'), slot: 0, node: nodeId('a0') }];
  const plan = planOf([move('c0.0 a0>a0 4'), move('c1.0 a0>a0 4')]);
  expect(checkPlan(fleet, plan, { damaged })).toEqual([{ kind: 'stays', move: plan.moves[1] }]);
});
