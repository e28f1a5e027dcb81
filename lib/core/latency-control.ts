import { silenceMsMax } from './throttle.ts';

/** What operators allow clients to suffer. */
export interface LatencyGoal {
  /** No better latency is ever asked for than this. */
  readonly objectiveMs: number;
  /** The error budget: the share of clients' requests that may take longer than the objective… */
  readonly missShareMax: number;
  /** …over so long. */
  readonly budgetMs: number;
}

/** What a node saw since the last sample, about a second ago. */
export interface LatencySample {
  /** Milliseconds of a clock that never runs backwards. */
  readonly at: number;
  /** Of clients' requests, each in milliseconds; `null` where they wait and none is answered. */
  readonly latencies: readonly number[] | null;
  /** Bytes a second that migration really moved, the larger of both ways. */
  readonly carried: number;
}

export type LatencyReason =
  | 'starting'
  | 'no-clients'
  | 'within-objective'
  | 'not-limiting'
  | 'over-objective'
  | 'budget-spent'
  | 'held'
  | 'probing'
  | 'learning'
  | 'metrics-missing';

interface Judged {
  readonly at: number;
  readonly requests: number;
  readonly misses: number;
  /** Whether anything moved: clients that suffer while nothing does, suffer from something else. */
  readonly moved: boolean;
}

/** The controller's memory: plain data, bounded. */
export interface LatencyState {
  /** Bytes a second for migration, each way. */
  readonly rate: number;
  readonly reason: LatencyReason;
  /** What clients' latency is compared with now. */
  readonly objectiveMs: number;
  /** Latencies while nothing moved, the latest. */
  readonly quiet: readonly number[];
  readonly quietAt: number;
  /** Seconds within the error budget's window. */
  readonly judged: readonly Judged[];
  /** Seconds before this moment were under another rate and are no evidence about this one. */
  readonly evidenceFrom: number;
  /** The rate at which clients last suffered: near it growth is slow. */
  readonly sufferedAt: number;
  /** After a hold: when migration goes on, and at what rate. */
  readonly heldUntil: number;
  readonly resumeAt: number;
  readonly holdMs: number;
  readonly silentSince: number | undefined;
}

/** Clients may be slower by this while data moves than while nothing does. */
const slowdownMax = 1.2;
/** Fewer quiet latencies make no quantile, and these many make one: half a minute of 20 requests a second. */
const quietMin = 100;
const quietMax = 600;
/** While moves go on for longer they pause so long: two of 60 seconds are 3 % (BBR's PROBE_RTT: 2 %). */
const quietEveryMs = { first: 10_000, later: 60_000 } as const;
const quietForMs = 2_000;
/** A rate is judged by the seconds since it last fell: the last five, and all of the budget's window. */
const evidenceMs = 5_000;
/** Misses that chance alone shows more often than once in 50 looks are no evidence. */
const chanceMax = 0.02;
/** A budget that burns so many times too fast halves the rate; one that burns slower takes a quarter. */
const burnFast = 6;
/** A second; slow within a fifth of the rate at which clients last suffered, on either side of it. */
const growth = { far: 1.2, near: 1.03 } as const;
const nearness = 0.2;
/** Of its rate: below it, the rate is not what limits migration, and growing it would wind it up. */
const usedShareMin = 0.7;
/** Of the node's most: the least that is worth while, and the probe after a hold. */
const rateShareMin = 0.01;
const rateShareProbe = 0.02;
/** What is left of a piece that was under way is as good as nothing. */
const rateShareQuiet = 0.001;
const rateShareAtFirst = 0.2;
const holdMs = { first: 2_000, most: 30_000 } as const;
/** Without a client's request for so long, nobody is there to suffer. */
const nobodyMs = 10_000;

export const latencyStart = (rateMax: number, { objectiveMs }: LatencyGoal): LatencyState => ({
  rate: rateMax * rateShareAtFirst,
  reason: 'starting',
  objectiveMs,
  quiet: [],
  quietAt: Number.NEGATIVE_INFINITY,
  judged: [],
  evidenceFrom: Number.NEGATIVE_INFINITY,
  sufferedAt: Number.POSITIVE_INFINITY,
  heldUntil: Number.NEGATIVE_INFINITY,
  resumeAt: rateMax * rateShareProbe,
  holdMs: holdMs.first,
  silentSince: undefined,
});

/**
 * The policy `latency`: one step, about once a second, of a closed loop that gives migration the most that
 * clients do not feel. The objective is the operator's, or 1.2 × what clients have while nothing moves,
 * whichever is longer: else clients that are slow by themselves would hold every move for ever. The signal is
 * not a p99, which a second has too few requests for, but how fast the budget of misses burns; the rate rises
 * and falls as in TCP (additive-increase families: Chiu and Jain 1989; the slow approach to the last bad rate:
 * CUBIC, RFC 9438), from what really moved, so that it never winds up.
 */
export function steerByLatency(
  before: LatencyState,
  sample: LatencySample,
  goal: LatencyGoal,
  rateMax: number,
): LatencyState {
  if (sample.latencies === null) return silent(before, sample.at);
  const state = judge(learn(before, sample, rateMax), sample, goal, rateMax);
  return { ...state, ...decide(state, sample, goal, rateMax) };
}

/** Clients wait and nobody is answered: half the rate, and after a minute none. */
function silent(state: LatencyState, at: number): LatencyState {
  const silentSince = state.silentSince ?? at;
  const isLong = at - silentSince > silenceMsMax;
  const slowed = state.silentSince === undefined ? state.rate / 2 : state.rate;
  return { ...state, silentSince, reason: 'metrics-missing', rate: isLong ? 0 : slowed };
}

/** Latencies of a second in which nothing moved say what clients have without us. */
function learn(state: LatencyState, sample: LatencySample, rateMax: number): LatencyState {
  const { at, latencies } = sample;
  if (isMoving(sample, rateMax) || latencies === null) return state;
  return { ...state, quietAt: at, quiet: [...state.quiet, ...latencies].slice(-quietMax) };
}

const isMoving = ({ carried }: LatencySample, rateMax: number): boolean =>
  carried > rateMax * rateShareQuiet;

function judge(
  state: LatencyState,
  sample: LatencySample,
  goal: LatencyGoal,
  rateMax: number,
): LatencyState {
  const { at, latencies } = sample;
  const objectiveMs = objectiveOf(state, goal);
  const misses = latencies!.filter((ms) => ms > objectiveMs).length;
  const kept = state.judged.filter((second) => second.at > at - goal.budgetMs);
  const moved = isMoving(sample, rateMax);
  const judged = [...kept, { at, requests: latencies!.length, misses, moved }];
  return { ...state, objectiveMs, judged, silentSince: undefined };
}

function objectiveOf({ quiet }: LatencyState, { objectiveMs, missShareMax }: LatencyGoal): number {
  if (quiet.length < quietMin) return objectiveMs;
  const sorted = quiet.toSorted((left, right) => left - right);
  const typical = sorted[Math.ceil(sorted.length * (1 - missShareMax)) - 1]!;
  return Math.max(objectiveMs, slowdownMax * typical);
}

type Decision = Pick<LatencyState, 'rate' | 'reason'> & Partial<LatencyState>;

function decide(
  state: LatencyState,
  sample: LatencySample,
  goal: LatencyGoal,
  rateMax: number,
): Decision {
  const { at } = sample;
  const isAnybodyThere = state.judged.some(
    (second) => second.requests > 0 && second.at > at - nobodyMs,
  );
  if (!isAnybodyThere) return { rate: rateMax, reason: 'no-clients', holdMs: holdMs.first };
  if (state.rate <= 0) return goOn(state, at);
  const burn = Math.max(
    burnOf(state, Math.max(state.evidenceFrom, at - evidenceMs), goal),
    burnOf(state, Math.max(state.evidenceFrom, at - goal.budgetMs), goal),
  );
  if (burn > 1 && state.judged.at(-1)!.misses > 0) return giveWay(state, sample, burn, rateMax);
  if (at - state.quietAt > quietEveryMs[state.quiet.length < quietMin ? 'first' : 'later'])
    return { rate: 0, reason: 'learning', heldUntil: at + quietForMs, resumeAt: state.rate };
  if (burnOf(state, at - goal.budgetMs, goal) > 1)
    return { rate: state.rate, reason: 'budget-spent' };
  if (sample.carried < state.rate * usedShareMin)
    return { rate: Math.min(state.rate, rateMax), reason: 'not-limiting' };
  const isNear = Math.abs(state.rate / state.sufferedAt - 1) < nearness;
  const rate = Math.min(rateMax, state.rate * (isNear ? growth.near : growth.far));
  return { rate, reason: 'within-objective', holdMs: holdMs.first };
}

/** How many times too fast the budget burnt since `from` while data moved; 0 where chance explains it. */
function burnOf(state: LatencyState, from: number, { missShareMax }: LatencyGoal): number {
  const seconds = state.judged.filter(({ at, moved }) => moved && at > from);
  const allowed = seconds.reduce((sum, second) => sum + second.requests, 0) * missShareMax;
  const misses = seconds.reduce((sum, second) => sum + second.misses, 0);
  return chanceOf(misses, allowed) > chanceMax ? 0 : misses / allowed;
}

/** How often so many events or more come by chance where `mean` are expected (Poisson's law). */
function chanceOf(events: number, mean: number): number {
  let fewer = 0;
  let term = Math.exp(-mean);
  for (let count = 0; count < events; count++) {
    fewer += term;
    term *= mean / (count + 1);
  }
  return 1 - fewer;
}

/** Falls from what really moved: a rate that nobody used says nothing. */
function giveWay(
  state: LatencyState,
  { at, carried }: LatencySample,
  burn: number,
  rateMax: number,
): Decision {
  const used = Math.min(state.rate, Math.max(carried, rateMax * rateShareMin));
  const rate = used * (burn >= burnFast ? 0.5 : 0.75);
  const known = { reason: 'over-objective', evidenceFrom: at, sufferedAt: used } as const;
  if (rate >= rateMax * rateShareMin) return { rate, ...known };
  return {
    ...known,
    rate: 0,
    reason: 'held',
    heldUntil: at + state.holdMs,
    resumeAt: rateMax * rateShareProbe,
    holdMs: Math.min(holdMs.most, state.holdMs * 2),
  };
}

/** A held migration tries again, after twice as long each time while clients still suffer. */
const goOn = ({ reason, heldUntil, resumeAt }: LatencyState, at: number): Decision =>
  at < heldUntil ? { rate: 0, reason } : { rate: resumeAt, reason: 'probing', evidenceFrom: at };
