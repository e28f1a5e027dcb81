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

describe('hash', () => {
  const fleet = (perZone: Readonly<Record<string, number>>, capacity = 1000): Room[] =>
    Object.entries(perZone).flatMap(([zoneName, count]) =>
      times(count, (i) => room(`${zoneName}${i}`, 0, 'mixed', capacity)),
    );
  const preferred = (rooms: readonly Room[], redundancy: Redundancy, seed: string) => {
    const request = { size: bytes(10), kind: 'data', redundancy, seed } as const;
    const choice = placeWrite(rooms, { ...request, placement: 'hash' });
    return choice.kind === 'placed' ? (choice.holders as readonly string[]) : [];
  };
  const seeds = times(2_000, String);

  test('the holders of a seed do not change with what is on them', () => {
    const rooms = fleet({ a: 3, b: 3, c: 3 });
    const filled = rooms.map((each, i) => ({ ...each, used: bytes((i * 90) % 900) }));
    for (const seed of seeds.slice(0, 200)) {
      expect(preferred(filled, replicated(3), seed)).toEqual(preferred(rooms, replicated(3), seed));
    }
  });

  test('a preferred holder without room is passed over, and nobody else', () => {
    const rooms = fleet({ a: 4, b: 4, c: 4 });
    for (const seed of seeds.slice(0, 100)) {
      const [first, ...others] = preferred(rooms, replicated(3), seed);
      const full = rooms.map((each) => (each.id === first ? { ...each, used: bytes(945) } : each));
      const instead = preferred(full, replicated(3), seed);
      expect(instead).toEqual([expect.stringMatching(`^${first![0]}`), ...others]);
      expect(instead).not.toContain(first);
    }
  });

  test('a node takes slots by its capacity', () => {
    const pair = [room('a0', 0, 'mixed', 3_000), room('a1', 0, 'mixed', 1_000)];
    const large = seeds.filter((seed) => preferred(pair, replicated(1), seed)[0] === 'a0');
    expect(large.length / seeds.length).toBeGreaterThan(0.72);
    expect(large.length / seeds.length).toBeLessThan(0.78);
  });

  test.each<[what: string, redundancy: Redundancy, zones: Record<string, number>, share: number]>([
    ['one zone', replicated(3), { a: 9 }, 1 / 10],
    ['three zones', replicated(3), { a: 3, b: 3, c: 3 }, (1 / 3) * (1 / 4)],
    ['shards', erasure(4, 2), { a: 4, b: 4, c: 4 }, (1 / 3) * (1 / 5)],
    ['more slots than zones share evenly', replicated(4), { a: 3, b: 3, c: 3 }, (1 / 3) * (1 / 4)],
  ])(
    'a node more takes its share, and moves nothing else: %s',
    (_what, redundancy, zones, share) => {
      const before = fleet(zones);
      const newcomer = room(`a${zones.a}`);
      let slots = 0;
      let moved = 0;
      for (const seed of seeds) {
        const [old, now] = [before, [...before, newcomer]].map(
          (rooms) => new Set(preferred(rooms, redundancy, seed)),
        );
        const came = [...now!].filter((node) => !old!.has(node));
        expect(came.filter((node) => node !== newcomer.id)).toEqual([]);
        slots += now!.size;
        moved += came.length;
      }
      expect(moved / slots).toBeGreaterThan(share * 0.85);
      expect(moved / slots).toBeLessThan(share * 1.15);
    },
  );
});
