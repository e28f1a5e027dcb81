import { describe, expect, test } from 'vitest';
import { endsBy, type OtherLoad, whatGives } from '../../lib/core/deadline.ts';
import { planDrain } from '../../lib/core/drain.ts';
import { boundMsOf, estimate, type Load, type Past } from '../../lib/core/estimate.ts';
import { jobId, nodeId } from '../../lib/core/ids.ts';
import { epochMillis } from '../../lib/core/units.ts';
import { sketch, times } from './fleets.ts';

const load = (from: string, to: string, bytes: number): Load => ({
  ...{ from: nodeId(from), to: nodeId(to), bytes },
});
const other = (job: string, ...of: Parameters<typeof load>): OtherLoad => ({
  ...load(...of),
  job: jobId(job),
});
/** 1,000 bytes a second at a node. */
const budgets = { nodeRateBytes: 1_000 };
const took = (ratio: number): Past => ({ boundMs: 95_000, tookMs: ratio * 100_000 });

describe('at best', () => {
  test.each<[behaviour: string, moves: Load[], others: Load[], fleet: number, ms: number]>([
    ['the busiest source bounds it', [load('a', 'b', 3e4), load('a', 'c', 3e4)], [], 1e9, 60_000],
    ['the busiest target bounds it', [load('a', 'c', 5e4), load('b', 'c', 2e4)], [], 1e9, 70_000],
    ['others at the same end count', [load('a', 'b', 1e4)], [load('a', 'z', 4e4)], 1e9, 50_000],
    ['others elsewhere do not', [load('a', 'b', 1e4)], [load('x', 'a', 4e4)], 1e9, 10_000],
    ['the fleet may be the bound', [load('a', 'b', 1e4)], [load('x', 'y', 3e4)], 400, 100_000],
  ])('%s', (_behaviour, moves, others, fleetRateBytes, ms) => {
    expect(boundMsOf(moves, others, { ...budgets, fleetRateBytes })).toBe(ms);
  });
});

describe('what ended jobs took', () => {
  const moves = [load('a', 'b', 95_000)];
  const of = (past: Past[]) => estimate({ moves, others: [], budgets, past });

  test('without any the prior speaks: 1.2 and 2 times the best', () => {
    expect(of([])).toEqual({ boundMs: 95_000, p50Ms: 120_000, p90Ms: 200_000, learnedFrom: 0 });
  });

  test('a few are mixed with the prior; five speak for themselves', () => {
    expect(of(times(4, () => took(8)))).toMatchObject({ p50Ms: 150_000, p90Ms: 800_000 });
    const five = [1, 2, 3, 4, 9].map(took);
    expect(of(five)).toMatchObject({ p50Ms: 300_000, p90Ms: 900_000, learnedFrom: 5 });
  });

  test('only the newest twenty count', () => {
    const past = [...times(20, () => took(1)), ...times(50, () => took(50))];
    expect(of(past)).toMatchObject({ p50Ms: 100_000, p90Ms: 100_000, learnedFrom: 20 });
  });

  test('of nothing to move there is no time', () => {
    expect(estimate({ moves: [], others: [], budgets, past: [] })).toMatchObject({ p90Ms: 0 });
  });

  test('nine in ten ended jobs ended within their P90', () => {
    const ratios = times(200, (i) => 1 + ((i * 37) % 200) / 100);
    let within = 0;
    for (let i = 20; i < ratios.length; i++) {
      const past = ratios
        .slice(i - 20, i)
        .reverse()
        .map(took);
      if (ratios[i]! * 100_000 <= of(past).p90Ms) within++;
    }
    expect(within / 180).toBeGreaterThan(0.85);
  });
});

describe('what would have to give', () => {
  const now = epochMillis(1_000_000);
  /** a0 and a1 leave with 60 and 20 bytes; a2 and a3 take them, at a byte a second. */
  const fleet = sketch({ a0: {}, a1: {}, a2: {}, a3: {} }, [
    ...times(6, () => ({ on: ['a0'], size: 10 })),
    ...times(2, () => ({ on: ['a1'], size: 10 })),
  ]);
  const workOf = (leaving: string[], others: OtherLoad[] = []) => {
    const nodes = leaving.map(nodeId);
    const plan = planDrain(fleet, nodes);
    const past = times(20, () => ({ boundMs: 95_000, tookMs: 100_000 }));
    const work = { fleet, leaving: nodes, plan, fillHard: 0.95, others, past };
    return { ...work, budgets: { nodeRateBytes: 1 }, clientsMs: [] };
  };
  const until = (seconds: number) => epochMillis(now + seconds * 1_000);

  test('a node less, or a later end', () => {
    expect(whatGives(workOf(['a0', 'a1']), now, until(30))).toEqual([
      { kind: 'leave-out', nodes: ['a0'] },
      { kind: 'raise-node-rate', rate: 1e6 },
      { kind: 'later-deadline', deadline: until(65) },
    ]);
  });

  test('the smallest rate that is enough, in steps', () => {
    const work = workOf(['a0']);
    const fast = { ...work, budgets: { nodeRateBytes: 20 } };
    expect(whatGives(work, now, until(4))).toEqual([
      { kind: 'later-deadline', deadline: until(65) },
    ]);
    expect(whatGives(fast, now, until(7))).toContainEqual({ kind: 'raise-node-rate', rate: 1e6 });
  });

  test('the fewest jobs that must wait, those with most to move first', () => {
    const others = [other('J1', 'a0', 'a2', 5), other('J2', 'a0', 'a3', 100)];
    const remedies = whatGives(workOf(['a0'], others), now, until(80));
    expect(remedies).toContainEqual({ kind: 'pause-jobs', jobs: ['J2'] });
    expect(whatGives(workOf(['a0'], others), now, until(66))).toContainEqual({
      ...{ kind: 'pause-jobs', jobs: ['J2', 'J1'] },
    });
  });
});

test('the time that clients get comes off what the deadline leaves', () => {
  const now = epochMillis(0);
  const fleet = sketch({ a0: {}, a1: {} }, [{ on: ['a0'], size: 90 }]);
  const leaving = [nodeId('a0')];
  const past = times(20, () => ({ boundMs: 95_000, tookMs: 100_000 }));
  const work = {
    fleet,
    leaving,
    plan: planDrain(fleet, leaving),
    fillHard: 0.95,
    others: [],
    past,
  };
  const asked = { ...work, budgets: { nodeRateBytes: 1 }, clientsMs: [1e9, 1e9] };
  expect(endsBy({ ...asked, clientsMs: [] }, now, 1)).toBe(95_000);
  expect(endsBy({ ...asked, clientsMs: [3_000, 4_000] }, now, 0)).toBe(102_000);
  expect(endsBy(asked, now, 100_000)).toBe(105_000);
  const [last] = whatGives(asked, now, epochMillis(100_000)).slice(-1);
  expect(last).toEqual({ kind: 'later-deadline', deadline: 106_000 });
  expect(endsBy(asked, now, 106_000)).toBeLessThanOrEqual(106_000);
});
