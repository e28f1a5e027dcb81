/** Whether a fleet shrinks, and by which node. */
import { type ZoneUse, zoneFill } from './capacity.ts';
import {
  coming,
  cooldown,
  type ScaleDecision,
  type ScaleHistory,
  type ScaleNode,
  type ScalePolicy,
  tooShort,
} from './decide-scale.ts';
import { hoursUntil, peakBetween } from './forecast.ts';
import { byCodeUnit, type NodeId } from './ids.ts';
import { nodeTypesOf, priceOf } from './node-type.ts';
import { type Payback, paybackOf } from './payback.ts';
import type { ScaleReason } from './scale-reason.ts';
import type { EpochMillis } from './units.ts';

/** What a drain would move. */
export interface DrainCost {
  readonly bytesMoved: number;
  readonly crossZoneBytes: number;
  readonly moves: number;
}

export interface TrialOutcome extends DrainCost {
  /** Why the node may not go; empty if it may. */
  readonly reasons: readonly ScaleReason[];
}

/** Tries the node's drain on the placement. */
export type ScaleInTrial = (leaving: NodeId) => TrialOutcome;

/** Trials of one decision: each is a plan over the whole placement. */
const trialsMax = 4;

export interface ScaleInQuestion {
  readonly nodes: readonly ScaleNode[];
  readonly zones: readonly ZoneUse[];
  readonly policy: ScalePolicy;
  readonly history: ScaleHistory;
  readonly now: EpochMillis;
  readonly trial: ScaleInTrial;
}

/** Where every zone has a forecast, a node may go as soon as the others will do: no low mark is needed. */
export const isSpareKnown = (zones: readonly ZoneUse[], { outlooks }: ScaleHistory): boolean =>
  zones.every(({ zone }) => outlooks?.get(zone)?.forecast !== undefined);

export function decideIn(question: ScaleInQuestion): ScaleDecision {
  const { zones, policy } = question;
  const { fillLow, fillHigh } = policy;
  const fullest = Math.max(...zones.map(zoneFill));
  const isLow = fullest < fillLow;
  const candidates = leavable(question);
  if (!isLow && candidates.length === 0) {
    return { kind: 'hold', reasons: [{ kind: 'between-marks', fill: fullest, fillLow, fillHigh }] };
  }
  const why = isLow ? zonesBelow(zones, fillLow) : [fewerWouldDo(question, candidates[0]!)];
  const against = [...lowTooShort(question, isLow), ...reasonsToWait(question)];
  if (against.length > 0) return { kind: 'hold', reasons: [...why, ...against] };
  const refusals: ScaleReason[] = [];
  for (const candidate of candidates.slice(0, trialsMax)) {
    const { refused, payback } = judgeDeparture(question, candidate);
    if (refused.length === 0) {
      return { kind: 'scale-in', node: candidate.id, reasons: [...why, payback] };
    }
    refusals.push(...refused);
  }
  const none: ScaleReason = {
    kind: 'no-node-to-spare',
    candidates: candidates.length,
    fillSpare: fillAfter(question),
  };
  return { kind: 'hold', reasons: [...why, none, ...refusals] };
}

const zonesBelow = (zones: readonly ZoneUse[], fillLow: number): ScaleReason[] =>
  zones.map((use) => ({ kind: 'zone-below-mark', zone: use.zone, fill: zoneFill(use), fillLow }));

function fewerWouldDo(question: ScaleInQuestion, candidate: ScaleNode): ScaleReason {
  const use = question.zones.find(({ zone }) => zone === candidate.zone)!;
  const fillSpare = fillAfter(question);
  return { kind: 'fewer-would-do', zone: use.zone, fill: zoneFill(use), fillSpare };
}

/** The fill at which a departure may leave its zone: above the target only where the forecast vouches for it. */
const fillAfter = ({ zones, policy, history }: ScaleInQuestion): number =>
  isSpareKnown(zones, history) ? policy.fillSpare : policy.fillTarget;

/** A forecast is of hours and days; a mark may be passed for a moment. */
function lowTooShort({ policy, history, now }: ScaleInQuestion, isLow: boolean): ScaleReason[] {
  const short = isLow ? tooShort(history.lowSince, policy.fillLowForMs, now) : undefined;
  return short === undefined ? [] : [short];
}

function reasonsToWait({ nodes, policy, history, now }: ScaleInQuestion): ScaleReason[] {
  const { nodesMin, cooldownInMs } = policy;
  const { lastScaleIn, lastScaleOut, lastJoin, jobsRunning } = history;
  const reasons: ScaleReason[] = [];
  const active = nodes.filter(({ state }) => state === 'active').length;
  const arriving = nodes.filter(({ state }) => coming.includes(state)).length;
  const last = Math.max(lastScaleIn ?? 0, lastScaleOut ?? 0, lastJoin ?? 0) as EpochMillis;
  const cooling = cooldown(last > 0 ? last : undefined, cooldownInMs, now);
  if (jobsRunning.length > 0) reasons.push({ kind: 'jobs-run', jobs: jobsRunning.length });
  if (arriving > 0) reasons.push({ kind: 'nodes-arriving', nodes: arriving });
  if (cooling !== undefined) reasons.push(cooling);
  if (active <= nodesMin) reasons.push({ kind: 'at-fewest-nodes', nodes: active, nodesMin });
  return reasons;
}

/**
 * Nodes whose zone keeps another active one and does not fill too far without them: the emptiest zone first,
 * and in it the node with least to move for what it costs.
 */
function leavable(question: ScaleInQuestion): ScaleNode[] {
  const { nodes, zones, policy } = question;
  const fillMost = fillAfter(question);
  const types = nodeTypesOf(policy);
  const bytesPerDollar = ({ used, capacity }: ScaleNode) => used / priceOf(types, capacity);
  const active = nodes.filter(({ state }) => state === 'active');
  const order = [...zones].sort((l, r) => zoneFill(l) - zoneFill(r) || byCodeUnit(l.zone, r.zone));
  return order.flatMap(({ zone, usedBytes, capacityBytes }) => {
    const members = active.filter((node) => node.zone === zone);
    if (members.length < 2) return [];
    return members
      .filter(({ capacity }) => usedBytes <= fillMost * (capacityBytes - capacity))
      .sort((l, r) => bytesPerDollar(l) - bytesPerDollar(r) || byCodeUnit(l.id, r.id));
  });
}

/** The forecast first: it costs nothing, while a trial plans over the whole placement. */
function judgeDeparture(question: ScaleInQuestion, leaving: ScaleNode) {
  const estimate: DrainCost = { bytesMoved: leaving.used, crossZoneBytes: 0, moves: 0 };
  const early = judgeForecast(question, leaving, estimate);
  if (early.refused.length > 0) return early;
  const outcome = question.trial(leaving.id);
  if (outcome.reasons.length > 0) return { ...early, refused: outcome.reasons };
  return judgeForecast(question, leaving, outcome);
}

function judgeForecast(question: ScaleInQuestion, leaving: ScaleNode, cost: DrainCost) {
  const payback = departurePayback(question, leaving, cost);
  const found = refusalByForecast(question, leaving, payback);
  const pays: ScaleReason = { kind: 'pays-back', leaving: leaving.id, ...payback };
  return { refused: found === undefined ? [] : [found], payback: pays };
}

function departurePayback({ policy }: ScaleInQuestion, leaving: ScaleNode, cost: DrainCost) {
  const { nodeRateBytes: rateBytes, leadMs } = policy;
  const dollarsPerHour = priceOf(nodeTypesOf(policy), leaving.capacity);
  return paybackOf({ ...cost, dollarsPerHour, rateBytes, leadMs });
}

/**
 * Against a departure: its zone is expected to fill too far soon; or, should it go badly or as fast as in the
 * last hour, it must grow back before the departure has paid.
 */
function refusalByForecast(
  { zones, policy, history, now }: ScaleInQuestion,
  { id: leaving, zone, capacity }: ScaleNode,
  payback: Payback,
): ScaleReason | undefined {
  const { forecast, risingBytesPerHour } = history.outlooks?.get(zone) ?? {};
  if (forecast === undefined || risingBytesPerHour === undefined) return undefined;
  const { fillSpare, fillHigh, spareForMs } = policy;
  const use = zones.find((each) => each.zone === zone)!;
  const left = use.capacityBytes - capacity;
  const peak = peakBetween(forecast, now, now + spareForMs, 'p50');
  if (peak > fillSpare * left) {
    const expectedFill = peak / left;
    const refusal = { kind: 'forecast-too-full', leaving, zone, expectedFill } as const;
    return { ...refusal, withinMs: spareForMs, fillSpare };
  }
  const { paybackHours } = payback;
  const risenHours = (fillHigh * left - use.usedBytes) / risingBytesPerHour;
  const foreseenHours = hoursUntil(forecast, fillHigh * left, now, 'p90', paybackHours);
  const sparedHours = Math.min(foreseenHours ?? Number.POSITIVE_INFINITY, risenHours);
  return sparedHours >= paybackHours
    ? undefined
    : { kind: 'would-not-pay-back', leaving, ...payback, sparedHours };
}
