import type { Policy } from '../../lib/contract/policy.ts';
import { generateMonth, type LoadShape } from '../../lib/core/load.ts';
import { type ReplayReport, replay } from '../../lib/core/replay.ts';
import { firstType, OurRule, referenceRule } from '../../lib/core/replay-rules.ts';

export interface Compared {
  readonly shape: LoadShape;
  readonly seed: number;
  readonly ours: ReplayReport;
  readonly reference: ReplayReport;
  /** Share of the reference's node-hours. */
  readonly saved: number;
  readonly holds: boolean;
}

export function compareMonth(seed: number, shape: LoadShape, policy: Policy): Compared {
  const load = generateMonth(seed, shape, policy.nodeCapacityBytes * (3 + (seed % 6)));
  const times = {
    launchMs: 300_000,
    graceMs: policy.graceMs,
    nodeRateBytes: policy.nodeRateBytes,
    band: policy.rebalanceBand,
  };
  const ours = replay(load, new OurRule(policy), policy, times);
  const reference = replay(load, referenceRule(firstType(policy)), policy, times);
  const saved = 1 - ours.nodeHours / reference.nodeHours;
  const holds = ours.hoursOverHard === 0 && ours.flaps === 0 && saved >= 0.2;
  return { shape, seed, ours, reference, saved, holds };
}
