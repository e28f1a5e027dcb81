import { describe, expect, test } from 'vitest';
import { type Adapting, adapt, judge, type Outcome } from '../../lib/core/adaptive.ts';
import { nodeId } from '../../lib/core/ids.ts';
import type { FixedScheduling } from '../../lib/core/scheduling-policies.ts';
import { times } from './fleets.ts';

const budgets = { nodeBatchesMax: 5, fleetBatchesMax: 9, nodeRateBytes: 100, batchRateBytes: 10 };
const now = 10_000_000;

/** A second of 100 bytes from one node to another at the full rate: nothing could be better. */
const outcome = (
  scheduling: FixedScheduling,
  at: number,
  more: Partial<Outcome> = {},
): Outcome => ({
  scheduling,
  from: nodeId('a'),
  to: nodeId('b'),
  bytes: 100,
  importance: 50,
  deadline: 0,
  plannedAt: 0,
  startedAt: at * 1_000,
  endedAt: (at + 1) * 1_000,
  ...more,
});

const state = (more: Partial<Adapting> = {}): Adapting => ({
  scheduling: 'balanced',
  decidedAt: 0,
  decisions: 0,
  reason: '',
  ...more,
});

const adapted = (
  outcomes: readonly Outcome[],
  from: Partial<Adapting> = {},
  nextDeadline?: number,
) => adapt(state(from), { outcomes, now, nextDeadline, budgets });

describe('what counts', () => {
  const scoreOf = (outcomes: readonly Outcome[]) => judge(outcomes, budgets).score;
  const usual = times(6, (at) => outcome('balanced', at));
  test('deadlines that are met', () => {
    const due = usual.map((each, at) => ({ ...each, deadline: at < 3 ? each.endedAt : 1 }));
    expect(scoreOf(usual) - scoreOf(due)).toBeCloseTo(0.25, 9);
  });
  test('what matters more ends first', () => {
    const first = usual.map((each, at) => ({ ...each, importance: 100 - at * 15 }));
    const last = usual.map((each, at) => ({ ...each, importance: 25 + at * 15 }));
    expect(scoreOf(first)).toBeGreaterThan(scoreOf(usual));
    expect(scoreOf(last)).toBeLessThan(scoreOf(usual));
  });
  test('the time in flight over the least that the bytes take', () => {
    const slow = times(6, (at) =>
      outcome('balanced', at * 2, { endedAt: (at * 2 + 2) * 1_000, plannedAt: at * 2_000 }),
    );
    const fast = times(6, (at) => outcome('balanced', at * 2, { plannedAt: at * 2_000 }));
    expect(scoreOf(fast) - scoreOf(slow)).toBeCloseTo(0.125, 9);
  });
});

describe('adaptive', () => {
  const good = (scheduling: FixedScheduling, count: number) =>
    times(count, (at) => outcome(scheduling, at, { deadline: now }));
  const bad = (scheduling: FixedScheduling, count: number) =>
    times(count, (at) => outcome(scheduling, at, { deadline: 1 }));

  test('does not judge by four outcomes', () => {
    const { scheduling, reason } = adapted([...bad('balanced', 2), ...good('deadline', 2)]);
    expect([scheduling, reason]).toEqual(['balanced', '4 outcomes, 5 are needed to judge']);
  });
  test('switches to what did best, and says by which numbers', () => {
    const { scheduling, reason, decidedAt, decisions } = adapted([
      ...bad('balanced', 20),
      ...good('deadline', 5),
    ]);
    expect([scheduling, decidedAt, decisions]).toEqual(['deadline', now, 1]);
    expect(reason).toMatch(
      /^deadline 0\.\d\d \(deadlines met 1\.00.*5 outcomes\); balanced 0\.\d\d \(deadlines met 0\.00/,
    );
  });
  test('counts the newest hundred only', () => {
    expect(adapted([...bad('balanced', 100), ...good('deadline', 50)]).scheduling).toBe('balanced');
  });
  test('stays when another is only as good', () => {
    const alike = [...good('deadline', 10), ...good('balanced', 10)];
    expect(adapted(alike, { scheduling: 'deadline' }).scheduling).toBe('deadline');
  });
  test('tries what is little known in one interval of six, and says so', () => {
    const known = [...good('balanced', 30), ...bad('deadline', 5)];
    const tried = times(12, (decisions) => adapted(known, { decisions }));
    expect(tried.map(({ scheduling }) => scheduling === 'balanced')).toEqual(
      times(12, (at) => (at + 1) % 6 !== 0),
    );
    expect(tried[5]!.reason).toBe('tries priority: 0 outcomes known, 5 are needed to judge it');
  });
  test('tries nothing while a deadline is near, nor when all are known', () => {
    const known = good('balanced', 30);
    expect(adapted(known, { decisions: 5 }, now + 599_000).scheduling).toBe('balanced');
    const all = [...known, ...bad('deadline', 5), ...bad('priority', 5), ...bad('importance', 5)];
    expect(adapted(all, { decisions: 5 }).scheduling).toBe('balanced');
  });
});
