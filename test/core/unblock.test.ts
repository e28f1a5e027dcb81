import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planDrain } from '../../lib/core/drain.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { mayReturn } from '../../lib/core/may-return.ts';
import { explainRemedy } from '../../lib/core/remedy.ts';
import { waysToUnblock } from '../../lib/core/unblock.ts';
import { bytes } from '../../lib/core/units.ts';
import { anyFleet, erasure, replicated, sketch, times } from './fleets.ts';

const ids = (...names: string[]) => names.map(nodeId);
const policy = { nodeCapacityBytes: bytes(100) };
const ways = (fleet: Parameters<typeof waysToUnblock>[0], ...leaving: string[]) =>
  waysToUnblock(fleet, ids(...leaving), policy);

describe('the smallest change that unblocks', () => {
  test('none for a drain that may start', () => {
    expect(ways(sketch({ a0: {}, a1: {} }), 'a0')).toEqual([]);
  });

  test('room: nodes filled a little further, or one node in the zone', () => {
    const fleet = sketch({ a0: {}, a1: { used: 90 } }, [{ on: ['a0'], size: 8 }]);
    const remedies = ways(fleet, 'a0');
    expect(remedies).toEqual([
      { kind: 'raise-fill-hard', fillHard: 0.98 },
      { kind: 'add-nodes', zone: 'a', nodes: 1, lackingBytes: 3 },
    ]);
    expect(planDrain(fleet, ids('a0'), { fillHard: 0.98 }).blocks).toEqual([]);
    expect(planDrain(fleet, ids('a0'), { fillHard: 0.979 }).blocks).not.toEqual([]);
    expect(remedies.map((remedy) => explainRemedy(remedy, ids('a0')))).toEqual([
      'fill nodes further: `ballast policy set fillHard=0.98`',
      'add room: `ballast scale out 1 --zone a`',
    ]);
  });

  test('as few nodes as take it all', () => {
    const nodes = { a0: { capacity: 1_000 }, a1: { used: 95 } };
    const fleet = sketch(
      nodes,
      times(28, () => ({ on: ['a0'], size: 10 })),
    );
    expect(ways(fleet, 'a0')).toEqual([
      { kind: 'add-nodes', zone: 'a', nodes: 4, lackingBytes: 280 },
    ]);
  });

  test('a node in place of the last of a zone', () => {
    expect(ways(sketch({ a0: {}, b0: {}, b1: {} }), 'a0')).toEqual([
      { kind: 'add-nodes', zone: 'a', nodes: 1, lackingBytes: 0 },
    ]);
  });

  test('of several nodes the one that is in the way', () => {
    const fleet = sketch({ a0: {}, a1: {}, b0: {}, b1: {} }, [{ on: ['a0'] }]);
    const [first] = ways(fleet, 'a0', 'b0', 'b1');
    expect(first).toEqual({ kind: 'leave-out', nodes: ['b0'] });
    expect(explainRemedy(first!, ids('a0', 'b0', 'b1'))).toBe(
      'leave b0 out: `ballast drain a0 b1`',
    );
  });

  test('mistakes are left out', () => {
    const fleet = sketch({ a0: {}, a1: {}, a2: { state: 'dead' } });
    expect(ways(fleet, 'x8', 'a0', 'x9', 'a2')).toEqual([
      { kind: 'leave-out', nodes: ['x8', 'x9', 'a2'] },
    ]);
    expect(ways(fleet, 'x9')).toEqual([]);
  });

  test('chunks that lack holders are repaired first', () => {
    const fleet = sketch({ a0: {}, a1: {} }, [{ on: ['a0'], rule: replicated(2) }]);
    expect(ways(fleet, 'a0')).toEqual([{ kind: 'repair-first', chunks: ['c0'] }]);
  });
});

test('on random fleets every change that is told lifts what it is told for', () => {
  let told = 0;
  fc.assert(
    fc.property(anyFleet, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), (fleet, picks) => {
      const leaving = [...new Set(picks.map((pick) => fleet.nodes[pick % fleet.nodes.length]!.id))];
      for (const remedy of waysToUnblock(fleet, leaving, policy)) {
        told++;
        expect(explainRemedy(remedy, leaving)).not.toContain('undefined');
        if (remedy.kind === 'leave-out') {
          const rest = leaving.filter((node) => !remedy.nodes.includes(node));
          expect(planDrain(fleet, rest).blocks).toEqual([]);
        }
        if (remedy.kind === 'raise-fill-hard') {
          const { blocks } = planDrain(fleet, leaving, { fillHard: remedy.fillHard });
          expect(blocks.filter(({ kind }) => kind !== 'too-few-holders')).toEqual([]);
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(told).toBeGreaterThan(50);
});

test.each<[behaviour: string, zones: (string | undefined)[], home: string, may: boolean]>([
  ['in the zone that it is in', ['a', 'b', 'c'], 'a', true],
  ['to a zone of its own', ['b', 'b', 'c'], 'a', true],
  ['not where zones become fewer', ['d', 'a', 'c'], 'a', false],
  ['in place of a holder that is gone', [undefined, 'b', 'c'], 'b', true],
])('a slot returns: %s', (_behaviour, zones, home, may) => {
  const where = zones as Parameters<typeof mayReturn>[0];
  const zone = home as Parameters<typeof mayReturn>[2];
  expect(mayReturn(where, 0, zone, replicated(3))).toBe(may);
});

test('no zone gets more shards than the parity by a return', () => {
  const zones = ['b', 'a', 'c'] as unknown as Parameters<typeof mayReturn>[0];
  const a = 'a' as Parameters<typeof mayReturn>[2];
  const crowded = ['b', 'a', 'b'] as unknown as Parameters<typeof mayReturn>[0];
  expect(mayReturn(zones, 0, a, erasure(2, 1))).toBe(false);
  expect(mayReturn(crowded, 0, a, erasure(2, 1))).toBe(false);
  expect(mayReturn(crowded, 0, a, erasure(1, 2))).toBe(true);
});
