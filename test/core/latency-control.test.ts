import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type LatencyGoal,
  type LatencySample,
  type LatencyState,
  latencyStart,
  steerByLatency,
} from '../../lib/core/latency-control.ts';

const rateMax = 100e6;
const goal: LatencyGoal = { objectiveMs: 20, missShareMax: 0.01, budgetMs: 60_000 };

/** Clients of a node that carries this many bytes a second for migration. */
type Clients = (carried: number, second: number) => readonly number[] | null;

/** 200 requests: fast while migration is below `capacity`, beyond it one in ten is slow. */
const feeling =
  (capacity: number, slowMs = 200): Clients =>
  (carried) =>
    Array.from({ length: 200 }, (_, i) => (carried > capacity && i % 10 === 0 ? slowMs : 5));

interface Run {
  readonly state: LatencyState;
  /** Rates, second by second. */
  readonly rates: readonly number[];
}

/** The loop closed over a model of a node whose migration wants `wanted` bytes a second. */
function run(
  seconds: number,
  clients: Clients,
  wanted = Number.POSITIVE_INFINITY,
  from: LatencyState = latencyStart(rateMax, goal),
  startAt = 0,
): Run {
  let state = from;
  const rates: number[] = [];
  for (let second = startAt; second < startAt + seconds; second++) {
    const carried = Math.min(state.rate, wanted);
    const sample: LatencySample = {
      at: second * 1_000,
      carried,
      latencies: clients(carried, second),
    };
    state = steerByLatency(state, sample, goal, rateMax);
    rates.push(state.rate);
  }
  return { state, rates };
}
const mean = (values: readonly number[]) =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

describe('the policy latency', () => {
  test('gives the whole rate where no client feels it', () => {
    const { rates } = run(120, feeling(1e12));
    expect(mean(rates.slice(30))).toBeGreaterThan(0.9 * rateMax);
  });

  test.each([10e6, 30e6, 60e6])('settles below what clients begin to feel, at %d', (capacity) => {
    const { rates } = run(600, feeling(capacity));
    const settled = rates.slice(120);
    expect(mean(settled)).toBeGreaterThan(0.6 * capacity);
    const over = settled.filter((rate) => rate > capacity).length;
    expect(over / settled.length).toBeLessThan(0.15);
  });

  test('gives the whole rate at once when no client is there, and none when clients need it all', () => {
    const nobody = run(15, () => []);
    expect(nobody.state).toMatchObject({ rate: rateMax, reason: 'no-clients' });
    const crowded = run(30, feeling(0), Number.POSITIVE_INFINITY, nobody.state, 15);
    expect(crowded.rates).toContain(0);
    expect(mean(crowded.rates.slice(-15))).toBeLessThan(0.02 * rateMax);
  });

  test('comes back from 0 when clients are well again', () => {
    const crowded = run(60, feeling(0));
    const after = run(120, feeling(1e12), Number.POSITIVE_INFINITY, crowded.state, 60);
    expect(after.rates.at(-1)).toBeGreaterThan(0.9 * rateMax);
  });

  test('probes less and less often while clients still suffer', () => {
    const { rates } = run(240, feeling(0));
    const probes = rates.flatMap((rate, second) => (rate > 0 && second > 20 ? [second] : []));
    expect(probes.length).toBeGreaterThan(2);
    expect(probes.length).toBeLessThan(20);
  });

  test('does not wind up while something else limits migration', () => {
    const slow = run(300, feeling(40e6), 5e6);
    expect(slow.state).toMatchObject({ rate: latencyStart(rateMax, goal).rate });
    expect(slow.state.reason).toBe('not-limiting');
  });

  test('clients that are slow by themselves hold nothing for ever: the objective is theirs', () => {
    const slowAlone: Clients = (carried) =>
      Array.from({ length: 200 }, (_, i) => (carried > 50e6 && i % 10 === 0 ? 500 : 80 + (i % 20)));
    const { rates, state } = run(600, slowAlone);
    expect(state.objectiveMs).toBeGreaterThan(1.2 * 80);
    expect(state.objectiveMs).toBeLessThan(1.2 * 100);
    expect(mean(rates.slice(200))).toBeGreaterThan(0.5 * 50e6);
    expect(mean(rates.slice(200))).toBeLessThan(55e6);
  });

  test('a budget that is spent keeps the rate from rising until it is whole again', () => {
    const well = run(60, feeling(1e12));
    const judged = [{ at: 60_000, requests: 1_000, misses: 100, moved: true }];
    const spent = { ...well.state, rate: 20e6, judged, evidenceFrom: 60_000, quietAt: 60_000 };
    const after = run(50, feeling(1e12), Number.POSITIVE_INFINITY, spent, 61);
    expect(after.rates[0]).toBe(20e6);
    expect(after.rates.slice(0, 20).every((rate) => rate <= 20e6)).toBe(true);
    const later = run(60, feeling(1e12), Number.POSITIVE_INFINITY, after.state, 111);
    expect(later.rates.at(-1)).toBeGreaterThan(20e6);
  });

  test('metrics that are missing slow it, then hold it, and it comes back', () => {
    const well = run(60, feeling(1e12));
    const missing = run(90, () => null, 0, well.state, 60);
    expect(missing.rates[0]).toBe(well.state.rate / 2);
    expect(missing.rates[50]).toBe(well.state.rate / 2);
    expect(missing.state).toMatchObject({ rate: 0, reason: 'metrics-missing' });
    const back = run(120, feeling(1e12), Number.POSITIVE_INFINITY, missing.state, 150);
    expect(back.rates.at(-1)).toBeGreaterThan(0.9 * rateMax);
  });

  test('whatever it sees, its rate is within bounds and its memory too', () => {
    const latencies = fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { maxLength: 20 });
    const samples = fc.array(
      fc.record({
        latencies: fc.option(latencies, { nil: null }),
        carried: fc.double({ min: 0, max: 2e8, noNaN: true }),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(samples, (seen) => {
        let state = latencyStart(rateMax, goal);
        for (const [i, sample] of seen.entries()) {
          state = steerByLatency(state, { at: i * 1_000, ...sample }, goal, rateMax);
          expect(state.rate).toBeGreaterThanOrEqual(0);
          expect(state.rate).toBeLessThanOrEqual(rateMax);
          expect(state.judged.length).toBeLessThanOrEqual(60);
          expect(state.quiet.length).toBeLessThanOrEqual(600);
        }
      }),
    );
  });
});
