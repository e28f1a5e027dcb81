import { expect, test } from 'vitest';
import { ThrottleRecord } from '../../lib/contract/policy.ts';
import {
  type ThrottleSample,
  type Throttling,
  throttle,
  throttlingStart,
} from '../../lib/core/throttle-control.ts';

const rateMax = 100e6;
const idle = { cpu: 0.1, memory: 0.2, ioWait: 0 };
const unknown = { cpu: null, memory: null, ioWait: null };
const sample = (second: number, over: Partial<ThrottleSample> = {}): ThrottleSample => ({
  at: second * 1_000,
  latencies: [],
  carried: 0,
  load: idle,
  ...over,
});
const after = (
  policy: Partial<ThrottleRecord>,
  samples: readonly ThrottleSample[],
  from?: Throttling,
): Throttling => {
  const whole = ThrottleRecord.parse(policy);
  return samples.reduce(
    (state, each) => throttle(state, each, whole, rateMax),
    from ?? throttlingStart(whole, rateMax),
  );
};

test.each<[Partial<ThrottleRecord>, Partial<ThrottleSample>, number, RegExp]>([
  [{ throttle: 'none' }, { load: { cpu: 1, memory: 1, ioWait: 1 } }, 100e6, /no throttle/],
  [{ throttle: 'fixed', throttleRateBytes: 7e6 }, {}, 7e6, /fixed/],
  [{ throttle: 'fixed', throttleRateBytes: 1e12 }, {}, 100e6, /fixed/],
  [{ throttle: 'load' }, {}, 100e6, /CPU 10 %, memory 20 %, I\/O wait 0 %: 100 % of the rate/],
  [{ throttle: 'load' }, { load: { ...idle, cpu: 1 } }, 80e6, /CPU 100 %.*: 80 % of the rate/],
  [{ throttle: 'load' }, { load: unknown }, 50e6, /CPU unknown/],
  [{ throttle: 'latency' }, {}, 100e6, /no client/],
])('%o seeing %o', (policy, over, rate, reason) => {
  const state = after(policy, [sample(0, over)]);
  expect(state.rate).toBeCloseTo(rate);
  expect(state.reason).toMatch(reason);
});

test('load that was told once and is missing for a minute holds migration', () => {
  const told = after({ throttle: 'load' }, [sample(0)]);
  const silent = [sample(59, { load: unknown })];
  expect(after({ throttle: 'load' }, silent, told).rate).toBe(50e6);
  expect(after({ throttle: 'load' }, [sample(61, { load: unknown })], told).rate).toBe(0);
});

test('a change of the policy is in force with the next sample, and each says its numbers', () => {
  const slow = sample(1, { latencies: Array.from({ length: 100 }, () => 300), carried: 50e6 });
  const latency = after({ throttle: 'latency', latencyObjectiveMs: 100 }, [sample(0), slow]);
  expect(latency.objectiveMs).toBe(100);
  expect(latency.rate).toBeLessThanOrEqual(25e6);
  expect(latency.reason).toMatch(/100 of 100 requests took over 100 ms: slowed from 47\.\d MiB\/s/);
  const none = after({ throttle: 'none' }, [sample(2)], latency);
  expect(none).toMatchObject({ rate: 100e6, objectiveMs: null });
});
