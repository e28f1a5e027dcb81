/** Whether and by how much a fleet grows. */
import { lackingBytes, type ZoneUse, zoneFill } from './capacity.ts';
import {
  cooldown,
  counts,
  type ScaleDecision,
  type ScaleHistory,
  type ScaleNode,
  type ScalePolicy,
  tooShort,
} from './decide-scale.ts';
import { hourMs, peakBetween } from './forecast.ts';
import type { Zone } from './ids.ts';
import { cheapestPurchase, nodeTypesOf } from './node-type.ts';
import type { ScaleReason } from './scale-reason.ts';
import type { EpochMillis } from './units.ts';

/** A zone that must grow, why, and what it is expected to hold once new nodes can help. */
export interface ScaleOutNeed {
  readonly use: ZoneUse;
  readonly reason: ScaleReason;
  readonly expectedBytes: number;
}

export function needsOf(
  zones: readonly ZoneUse[],
  policy: ScalePolicy,
  history: ScaleHistory,
  now: EpochMillis,
): ScaleOutNeed[] {
  return zones.flatMap((use) => {
    const need = needOf(use, policy, history, now);
    return need === undefined ? [] : [need];
  });
}

function needOf(
  use: ZoneUse,
  policy: ScalePolicy,
  history: ScaleHistory,
  now: EpochMillis,
): ScaleOutNeed | undefined {
  const { zone, usedBytes, capacityBytes } = use;
  const { fillHigh, fillHard, leadMs } = policy;
  const fill = zoneFill(use);
  const { forecast, risingBytesPerHour = 0 } = history.outlooks?.get(zone) ?? {};
  const risen = usedBytes + (risingBytesPerHour * leadMs) / hourMs;
  const forecastBytes =
    forecast === undefined ? 0 : peakBetween(forecast, now, now + leadMs, 'p50');
  const expectedBytes = Math.max(risen, forecastBytes);
  if (fill > fillHigh) {
    return { use, expectedBytes, reason: { kind: 'zone-above-mark', zone, fill, fillHigh } };
  }
  // The pace of the last hours is noisy: believed where only the hard limit would end it.
  const marks = [
    { bytes: risen, fillMark: fillHard },
    { bytes: forecastBytes, fillMark: fillHigh },
  ];
  const passed = marks.find(({ bytes, fillMark }) => bytes > fillMark * capacityBytes);
  if (passed === undefined) return undefined;
  const { fillMark } = passed;
  const expectedFill = passed.bytes / capacityBytes;
  const reason = { kind: 'zone-will-fill', zone, fill, expectedFill, fillMark } as const;
  return { use, expectedBytes, reason: { ...reason, withinMs: leadMs } };
}

export function decideOut(
  nodes: readonly ScaleNode[],
  needs: readonly ScaleOutNeed[],
  policy: ScalePolicy,
  history: ScaleHistory,
  now: EpochMillis,
): ScaleDecision {
  const { nodesMax, nodesStepMax } = policy;
  const reasons = needs.map(({ reason }) => reason);
  const against = reasonsToWait(needs, policy, history, now);
  if (against.length > 0) return { kind: 'hold', reasons: [...reasons, ...against] };
  const present = nodes.filter(counts).length;
  const room = Math.min(nodesStepMax, nodesMax - present);
  if (room <= 0) {
    const full: ScaleReason = { kind: 'at-most-nodes', nodes: present, nodesMax };
    return { kind: 'hold', reasons: [...reasons, full] };
  }
  return { kind: 'scale-out', ...sharedOut(needs, policy, room), reasons };
}

/** A mark that was only just passed may fall back; what stands near the hard limit, or will, does not wait. */
function reasonsToWait(
  needs: readonly ScaleOutNeed[],
  { fillHigh, fillHard, fillHighForMs, cooldownOutMs }: ScalePolicy,
  { lastScaleOut, highSince }: ScaleHistory,
  now: EpochMillis,
): ScaleReason[] {
  const cooling = cooldown(lastScaleOut, cooldownOutMs, now);
  if (cooling !== undefined) return [cooling];
  const isUrgent = needs.some(
    ({ use, reason }) =>
      reason.kind === 'zone-will-fill' || zoneFill(use) > (fillHigh + fillHard) / 2,
  );
  const short = isUrgent ? undefined : tooShort(highSince, fillHighForMs, now);
  return short === undefined ? [] : [short];
}

/** By zone, of the type that covers what they lack at the least price: one each at least, while there is room. */
function sharedOut(needs: readonly ScaleOutNeed[], policy: ScalePolicy, room: number) {
  const lacks = needs.map(({ use, expectedBytes }) =>
    lackingBytes({ ...use, usedBytes: expectedBytes }, policy),
  );
  const { type, counts: given } = cheapestPurchase(nodeTypesOf(policy), lacks, room);
  const zones: Record<Zone, number> = {};
  for (const [at, { use }] of needs.entries()) {
    if (given[at]! > 0) zones[use.zone] = given[at]!;
  }
  return { zones, type: type.type };
}
