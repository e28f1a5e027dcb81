import type { RateBudgets } from './budget.ts';
import type { NodeId } from './ids.ts';

/** Bytes that go from one node to another. */
export interface Load {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: number;
}

/** How long an ended job's moves took, and how long they should have taken at best. */
export interface Past {
  readonly boundMs: number;
  readonly tookMs: number;
}

export interface EstimateInput {
  readonly moves: readonly Load[];
  /** What other jobs have waiting and in flight: it shares the nodes. */
  readonly others: readonly Load[];
  readonly budgets: Pick<RateBudgets, 'nodeRateBytes' | 'fleetRateBytes'>;
  /** Newest first. */
  readonly past: readonly Past[];
}

/** How long moves will take, from the first that is sent to the last that is committed. */
export interface Estimate {
  /** No schedule is faster: the busiest node, in its busiest direction, at its full rate. */
  readonly boundMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  /** Ended jobs from which the spread was learned. */
  readonly learnedFrom: number;
}

/** Planning, queueing and the first message, whatever there is to move. */
const overheadMs = 5_000;
/** Ended jobs that count: the newest, as rates and load change. */
const pastMax = 20;
/** With fewer than these the prior counts too. */
const pastMin = 5;
/**
 * What a fleet is assumed to do of which nothing is known yet, as multiples of the best: half of all jobs
 * within 1.2 (list scheduling stays within 1.1 of the bound), nine in ten within 2 (nodes give way to
 * their clients).
 */
const priorRatios = [1.02, 1.05, 1.1, 1.12, 1.15, 1.2, 1.3, 1.5, 1.7, 2];

/**
 * The best time for the moves among all that shares their nodes, and from it the median and the ninth
 * decile by what ended jobs took against theirs.
 */
export function estimate({ moves, others, budgets, past }: EstimateInput): Estimate {
  const newest = past.slice(0, pastMax);
  if (moves.length === 0) return { boundMs: 0, p50Ms: 0, p90Ms: 0, learnedFrom: newest.length };
  const boundMs = boundMsOf(moves, others, budgets);
  const learned = newest.map(({ boundMs: bound, tookMs }) => tookMs / (bound + overheadMs));
  const ratios = newest.length < pastMin ? [...priorRatios, ...learned] : learned;
  const at = (share: number) => Math.ceil(quantile(ratios, share) * (boundMs + overheadMs));
  return { boundMs, p50Ms: at(0.5), p90Ms: at(0.9), learnedFrom: newest.length };
}

/** Milliseconds at best, with what others have at the same nodes and directions. */
export function boundMsOf(
  moves: readonly Load[],
  others: readonly Load[],
  { nodeRateBytes, fleetRateBytes = 0 }: EstimateInput['budgets'],
): number {
  const sources = bytesBy(moves, ({ from }) => from);
  const targets = bytesBy(moves, ({ to }) => to);
  for (const { from, to, bytes } of others) {
    if (sources.has(from)) sources.set(from, sources.get(from)! + bytes);
    if (targets.has(to)) targets.set(to, targets.get(to)! + bytes);
  }
  const busiest = Math.max(0, ...sources.values(), ...targets.values());
  const total = [...moves, ...others].reduce((sum, { bytes }) => sum + bytes, 0);
  const fleetSeconds = fleetRateBytes > 0 ? total / fleetRateBytes : 0;
  return Math.max(busiest / nodeRateBytes, fleetSeconds) * 1_000;
}

function bytesBy(loads: readonly Load[], end: (load: Load) => NodeId): Map<NodeId, number> {
  const sums = new Map<NodeId, number>();
  for (const load of loads) sums.set(end(load), (sums.get(end(load)) ?? 0) + load.bytes);
  return sums;
}

/** The rank below which the next value lies with this probability, as far as the values reach. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const rank = Math.min(sorted.length, Math.ceil(share * (sorted.length + 1)));
  return sorted[rank - 1]!;
}
