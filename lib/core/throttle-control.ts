import {
  type LatencyReason,
  type LatencySample,
  type LatencyState,
  latencyStart,
  steerByLatency,
} from './latency-control.ts';
import { backgroundFactor, type NodeLoad, type Silence } from './throttle.ts';
import { formatBytes } from './units.ts';

export const throttles = ['load', 'latency', 'fixed', 'none'] as const;

/** What operators set of the throttle (contract/policy.ts says what each is). */
export interface ThrottlePolicy {
  readonly throttle: (typeof throttles)[number];
  readonly latencyObjectiveMs: number;
  readonly latencyMissShareMax: number;
  readonly latencyBudgetMs: number;
  readonly throttleRateBytes: number;
}

export interface ThrottleSample extends LatencySample {
  readonly load: NodeLoad;
}

/** What migration may use of a node now, why, and what the controller must remember. */
export interface Throttling {
  /** Bytes a second, each way. */
  readonly rate: number;
  /** For people, with its numbers. */
  readonly reason: string;
  /** What clients' latency is held to; `null` where the throttle does not look at it. */
  readonly objectiveMs: number | null;
  readonly latency: LatencyState;
  readonly metricsSeenAt: number | 'never';
}

export function throttlingStart(policy: ThrottlePolicy, rateMax: number): Throttling {
  const latency = latencyStart(rateMax, goalOf(policy));
  const rate = policy.throttle === 'latency' ? latency.rate : rateMax;
  return { rate, reason: 'starting', objectiveMs: null, latency, metricsSeenAt: 'never' };
}

/** One step of the controller that the policy names, about once a second; no rate is above `rateMax`. */
export function throttle(
  before: Throttling,
  sample: ThrottleSample,
  policy: ThrottlePolicy,
  rateMax: number,
): Throttling {
  const known = { ...before, metricsSeenAt: seenAt(before, sample), objectiveMs: null };
  switch (policy.throttle) {
    case 'load':
      return { ...known, ...byLoad(known, sample, rateMax) };
    case 'latency': {
      const latency = steerByLatency(before.latency, sample, goalOf(policy), rateMax);
      const { rate, objectiveMs } = latency;
      return { ...known, latency, rate, objectiveMs, reason: reasons[latency.reason](latency) };
    }
    case 'fixed': {
      const rate = Math.min(rateMax, policy.throttleRateBytes);
      return { ...known, rate, reason: 'a fixed rate' };
    }
    case 'none':
      return { ...known, rate: rateMax, reason: 'no throttle' };
  }
}

const goalOf = (policy: ThrottlePolicy) => ({
  objectiveMs: policy.latencyObjectiveMs,
  missShareMax: policy.latencyMissShareMax,
  budgetMs: policy.latencyBudgetMs,
});

const isTold = ({ cpu, memory, ioWait }: NodeLoad): boolean =>
  cpu !== null && memory !== null && ioWait !== null;

const seenAt = ({ metricsSeenAt }: Throttling, { load, at }: ThrottleSample): number | 'never' =>
  isTold(load) ? at : metricsSeenAt;

function byLoad({ metricsSeenAt }: Throttling, { at, load }: ThrottleSample, rateMax: number) {
  const silence: Silence = metricsSeenAt === 'never' ? 'never-told' : at - metricsSeenAt;
  const factor = backgroundFactor(load, silence);
  const told = `CPU ${percent(load.cpu)}, memory ${percent(load.memory)}, I/O wait ${percent(load.ioWait)}`;
  return { rate: rateMax * factor, reason: `${told}: ${percent(factor)} of the rate` };
}

const percent = (share: number | null): string =>
  share === null ? 'unknown' : `${Math.round(share * 100)} %`;

const reasons: Readonly<Record<LatencyReason, (state: LatencyState) => string>> = {
  starting: () => 'starting',
  'no-clients': () => 'no client asks for anything',
  'within-objective': () => 'clients are within their objective',
  'not-limiting': () => 'moves use less than they may',
  'over-objective': (state) => `${missesOf(state)}: slowed from ${speed(state.sufferedAt)}`,
  'budget-spent': (state) => `${missesOf(state)}: no faster until the budget is whole`,
  held: (state) => `${missesOf(state)}: held`,
  probing: () => 'trying again',
  learning: () => 'held for a moment, to see what clients have without moves',
  'metrics-missing': () => 'clients wait and none is answered',
};

const speed = (rate: number): string => `${formatBytes(Math.round(rate))}/s`;

function missesOf({ judged, objectiveMs }: LatencyState): string {
  const misses = judged.reduce((sum, second) => sum + second.misses, 0);
  const requests = judged.reduce((sum, second) => sum + second.requests, 0);
  return `${misses} of ${requests} requests took over ${Math.round(objectiveMs)} ms`;
}
