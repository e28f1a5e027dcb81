import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeClass, Redundancy } from '../../lib/core/fleet.ts';
import { nodeId, zone } from '../../lib/core/ids.ts';
import { placeWrite, type Room } from '../../lib/core/place-write.ts';
import { bytes } from '../../lib/core/units.ts';
import { erasure, replicated, times } from './fleets.ts';

const room = (id: string, used = 0, nodeClass: NodeClass = 'mixed', capacity = 1000): Room => ({
  id: nodeId(id),
  zone: zone(id[0]!),
  class: nodeClass,
  capacity: bytes(capacity),
  used: bytes(used),
});

const write = (rooms: readonly Room[], redundancy: Redundancy, seed = 's', size = 10) =>
  placeWrite(rooms, { size: bytes(size), kind: 'data', redundancy, seed });

const holdersOf = (...args: Parameters<typeof write>): readonly string[] => {
  const choice = write(...args);
  return choice.kind === 'placed' ? choice.holders : [];
};

describe('holders of a new chunk', () => {
  const rooms = ['a0', 'a1', 'b0', 'b1', 'c0', 'c1'].map((id) => room(id));

  test('one copy a zone', () => {
    const zones = holdersOf(rooms, replicated(3)).map((id) => id[0]);
    expect(zones.sort()).toEqual(['a', 'b', 'c']);
  });

  test('more copies than zones are spread evenly', () => {
    const zones = holdersOf(rooms, replicated(5)).map((id) => id[0]);
    expect(
      Object.values(Object.groupBy(zones, (id) => id!))
        .map((each) => each!.length)
        .sort(),
    ).toEqual([1, 2, 2]);
  });

  test('equal seeds choose equal holders, others do not', () => {
    const chosen = times(50, (seed) => holdersOf(rooms, replicated(3), String(seed)).join());
    expect(chosen).toEqual(
      times(50, (seed) => holdersOf([...rooms].reverse(), replicated(3), String(seed)).join()),
    );
    expect(new Set(chosen).size).toBeGreaterThan(10);
  });

  test('a node takes writes by its free bytes', () => {
    const pair = [room('a0', 200), room('a1', 700)];
    const counts = { a0: 0, a1: 0 };
    for (const seed of times(4000, String))
      counts[holdersOf(pair, replicated(1), seed)[0] as 'a0' | 'a1']++;
    expect(counts.a0 / counts.a1).toBeGreaterThan(2.6);
    expect(counts.a0 / counts.a1).toBeLessThan(3.5);
  });

  test('a node of another class takes none', () => {
    const classes = [room('a0', 0, 'metadata'), room('a1', 940, 'data')];
    expect(holdersOf(classes, replicated(1))).toEqual(['a1']);
  });

  test('another zone stands in for a full one if there are enough', () => {
    const four = [room('a0', 945), room('b0'), room('c0'), room('d0')];
    expect([...holdersOf(four, replicated(3))].sort()).toEqual(['b0', 'c0', 'd0']);
  });
});

describe('refusals', () => {
  test('a full zone that the rule needs', () => {
    expect(write([room('a0', 945), room('b0'), room('c0')], replicated(3))).toEqual({
      kind: 'blocked',
      blocks: [{ kind: 'zone-lacks-room', zone: 'a', neededBytes: 10, roomBytes: 5, slots: 1 }],
    });
  });

  test('too few nodes', () => {
    expect(write([room('a0'), room('b0')], replicated(3))).toEqual({
      kind: 'blocked',
      blocks: [{ kind: 'too-few-holders', chunk: 's', live: 2, needed: 3 }],
    });
    expect(write([], replicated(1))).toMatchObject({ blocks: [{ live: 0, needed: 1 }] });
  });
});

test('no promise is broken on random fleets', () => {
  const anyRoom = fc.record({
    zone: fc.constantFrom('a', 'b', 'c', 'd'),
    used: fc.nat(1000),
    class: fc.constantFrom<NodeClass>('mixed', 'data', 'metadata'),
  });
  const anyRule = fc.constantFrom(replicated(2), replicated(3), erasure(4, 2), erasure(6, 3));
  let placed = 0;
  fc.assert(
    fc.property(
      fc.array(anyRoom, { maxLength: 25 }),
      anyRule,
      fc.string(),
      fc.nat(300),
      (drawn, rule, seed, size) => {
        const rooms = drawn.map((each, at) => room(`${each.zone}${at}`, each.used, each.class));
        const choice = write(rooms, rule, seed, size);
        if (choice.kind === 'blocked') {
          expect(choice.blocks.length).toBeGreaterThan(0);
          return;
        }
        placed++;
        const chosen = choice.holders.map((id) => rooms.find((each) => each.id === id)!);
        const share = rule.kind === 'erasure' ? Math.ceil(size / rule.data) : size;
        expect(new Set(choice.holders).size).toBe(chosen.length);
        expect(chosen.every((each) => each.used + share <= 950 && each.class !== 'metadata')).toBe(
          true,
        );
        const zones = new Set(rooms.map((each) => each.zone)).size;
        expect(new Set(chosen.map((each) => each.zone)).size).toBe(Math.min(zones, chosen.length));
      },
    ),
    { numRuns: 1000 },
  );
  expect(placed).toBeGreaterThan(100);
});
