import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planDrain } from '../../lib/core/drain.ts';
import { planEvacuation } from '../../lib/core/evacuate.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { anyFleet, erasure, movesOf, replicated, sketch } from './fleets.ts';

const leaving = [nodeId('a0')];
const evacuate = (...fleet: Parameters<typeof sketch>) => planEvacuation(sketch(...fleet), leaving);

test('what can lose fewest holders goes first; the last copy before all', () => {
  const plan = evacuate({ a0: {}, a1: {}, b0: {}, c0: {}, c1: { state: 'dead' } }, [
    { on: ['a0', 'b0', 'c0'], rule: replicated(3) },
    { on: ['a0', 'b0', 'c1'], rule: replicated(3) },
    { on: ['a0', 'c1'], rule: replicated(2) },
  ]);
  expect(movesOf(plan).map((move) => move.split('.')[0])).toEqual(['c2', 'c1', 'c0']);
  expect([...plan.endangered]).toEqual(['c2', 'c1']);
});

test('a stripe that can lose no shard more is in danger', () => {
  const plan = evacuate({ a0: {}, a1: {}, b0: {}, c0: {}, b1: { state: 'dead' } }, [
    { on: ['a0', 'b0', 'b1', 'c0'], rule: erasure(2, 2) },
  ]);
  expect([...plan.endangered]).toEqual(['c0']);
});

test('a zone’s last node leaves too: a crowded zone is better than a missing slot', () => {
  const nodes = { a0: {}, b0: {}, b1: {}, c0: {} };
  const chunks = [{ on: ['a0', 'b0', 'c0'] }];
  expect(planDrain(sketch(nodes, chunks), leaving).blocks[0]?.kind).toBe('last-node-of-zone');
  expect(movesOf(evacuate(nodes, chunks))).toEqual(['c0.0 a0>b1']);
});

test('what has no room stays, and keeps nothing else', () => {
  const nodes = { a0: { capacity: 100 }, a1: { capacity: 20 } };
  const plan = evacuate(nodes, [
    { on: ['a0'], size: 50 },
    { on: ['a0'], size: 10 },
  ]);
  expect(movesOf(plan)).toEqual(['c1.0 a0>a1']);
  expect(plan.blocks.map(({ kind }) => kind)).toContain('no-node-fits');
});

test('where a drain finds a way for all, an evacuation moves the same slots', () => {
  fc.assert(
    fc.property(anyFleet, (fleet) => {
      const node = fleet.nodes.find(({ state }) => state === 'active');
      if (node === undefined) return;
      const drained = planDrain(fleet, [node.id]);
      const evacuated = planEvacuation(fleet, [node.id]);
      const slots = (moves: typeof drained.moves) =>
        moves.map(({ chunk, slot }) => `${chunk}.${slot}`).sort();
      expect(new Set(slots(evacuated.moves)).size).toBe(evacuated.moves.length);
      expect(evacuated.moves.every(({ to }) => to !== node.id)).toBe(true);
      if (drained.blocks.length === 0 && evacuated.blocks.length === 0) {
        expect(slots(evacuated.moves)).toEqual(slots(drained.moves));
      }
    }),
  );
});
