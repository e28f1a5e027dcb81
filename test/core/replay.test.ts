import { describe, expect, test } from 'vitest';
import { Policy } from '../../lib/contract/policy.ts';
import { hourMs } from '../../lib/core/forecast.ts';
import { zone } from '../../lib/core/ids.ts';
import { generateMonth, recordedLoad } from '../../lib/core/load.ts';
import { type ReplayRule, replay } from '../../lib/core/replay.ts';
import { firstType, OurRule, referenceRule } from '../../lib/core/replay-rules.ts';
import { compareMonth } from '../bench/autoscaler-months.ts';

const policy = Policy.parse({ nodeCapacityBytes: 1e12 });
const times = { launchMs: 300_000, graceMs: 0, nodeRateBytes: 100e6, band: 0.05 };

/** Zones that hold what is said, hour by hour. */
const loadOf = (...terabytes: number[]) =>
  recordedLoad(
    ['a', 'b', 'c'].map((name) => ({
      zone: zone(name),
      samples: terabytes.map((each, hour) => ({ at: hour * hourMs, usedBytes: each * 1e12 })),
    })),
  );

const holds: ReplayRule = { everyMs: 60_000, step: () => ({ kind: 'hold' }) };

describe('the model', () => {
  test('counts every node for every hour, and what stands over the marks', () => {
    const report = replay(loadOf(2.1, 2.1, 2.7, 3, 3), holds, policy, times);
    expect(report.nodeHours).toBeCloseTo(9 * 4, 0);
    expect(report.dollars).toBeCloseTo(9 * 4 * 0.21, 0);
    expect(report).toMatchObject({ scaleOuts: 0, bytesMoved: 0, nodesMost: 9 });
    expect(report.fillMost).toBeCloseTo(1);
    expect(report.hoursOverHigh).toBeCloseTo(2.5, 1);
    expect(report.hoursOverHard).toBeCloseTo(1.5, 1);
  });

  test("the reference's rule adds one node at a time above 0.8 and waits for it", () => {
    const load = loadOf(2.1, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6);
    const report = replay(load, referenceRule(firstType(policy)), policy, times);
    expect(report).toMatchObject({ scaleOuts: 1, nodesAdded: 1, scaleIns: 0, nodesAtEnd: 10 });
    expect(report.bytesMoved).toBeGreaterThan(0.5e12);
  });

  test("and takes one below 0.3, never a zone's last", () => {
    const load = loadOf(2.1, ...Array.from({ length: 30 }, () => 0.1));
    const report = replay(load, referenceRule(firstType(policy)), policy, times);
    expect(report).toMatchObject({ scaleOuts: 0, nodesAtEnd: 3 });
  });

  test('a scale-in that is undone before it has paid is a flap', () => {
    const steps = new Map([
      [hourMs, 'in'],
      [2 * hourMs, 'out'],
    ]);
    const nervous: ReplayRule = {
      everyMs: 60_000,
      step: (fleet, now) => {
        const step = steps.get(now);
        if (step === 'in') return { kind: 'scale-in', node: fleet.nodes[0]!.id };
        if (step === undefined) return { kind: 'hold' };
        return { kind: 'scale-out', zones: { [zone('a')]: 1 }, type: firstType(policy) };
      },
    };
    expect(replay(loadOf(2, 2, 2, 2), nervous, policy, times)).toMatchObject({ flaps: 1 });
  });

  test('a recorded load lies between its samples', () => {
    const load = loadOf(1, 3, 2);
    const asked = [0, 0.5, 1, 1.75, 2, 9, -1].map((hours) => load.usedAt(1, hours * hourMs) / 1e12);
    expect(asked).toEqual([1, 2, 3, 2.25, 2, 2, 1]);
  });

  test('the same seed is the same month, another is another', () => {
    const at = Date.UTC(2026, 5, 17);
    const used = (seed: number) => generateMonth(seed, 'weekly', 1e12).usedAt(2, at);
    expect(used(5)).toBe(used(5));
    expect(used(5)).not.toBe(used(6));
  });
});

describe('a month through the decision', { timeout: 120_000 }, () => {
  test.each([
    ['growing', 1],
    ['ebbing', 3],
    ['steps', 4],
  ] as const)(
    '%s, seed %d: never over the hard limit, no flap, a fifth fewer node-hours',
    (shape, seed) => {
      const { ours, reference, saved } = compareMonth(seed, shape, policy);
      expect(ours).toMatchObject({ hoursOverHard: 0, flaps: 0 });
      expect(ours.fillMost).toBeLessThan(0.95);
      expect(ours.scaleIns).toBeGreaterThan(0);
      expect(reference.nodeHours).toBeGreaterThan(0);
      expect(saved).toBeGreaterThanOrEqual(0.2);
    },
  );

  test('without its forecast the policy would save much less: the bar does bite', () => {
    const load = generateMonth(1, 'growing', 4e12);
    const blind = { ...policy, historyEveryMs: Number.MAX_SAFE_INTEGER };
    const { nodeHours } = replay(load, new OurRule(blind), blind, times);
    const reference = replay(load, referenceRule(firstType(policy)), policy, times);
    expect(1 - nodeHours / reference.nodeHours).toBeLessThan(0.1);
  });
});
