import { type CapacityPolicy, type ZoneUse, zoneFill } from './capacity.ts';
import type { Outlook } from './forecast.ts';
import { byCodeUnit, type NodeId, type Zone } from './ids.ts';
import type { NodeState } from './lifecycle.ts';
import { replaceLost } from './replace-lost.ts';
import { decideIn, isSpareKnown, type ScaleInTrial } from './scale-in.ts';
import { decideOut, needsOf } from './scale-out.ts';
import type { ScaleReason } from './scale-reason.ts';
import type { Bytes, EpochMillis } from './units.ts';

export interface ScaleNode {
  readonly id: NodeId;
  readonly zone: Zone;
  readonly capacity: Bytes;
  readonly used: Bytes;
  readonly state: NodeState;
  readonly healthy: boolean;
  /** Its machine will be taken away, or its disk has failed: it takes no more copies. @default false */
  readonly isLost?: boolean;
}

export interface ScalePolicy extends CapacityPolicy {
  /** Marks of the fullest zone's fill, and how long one is passed before it counts. */
  readonly fillHigh: number;
  readonly fillLow: number;
  readonly fillHard: number;
  /** By forecast, a departure may leave its zone so full: between the target and the high mark. */
  readonly fillSpare: number;
  readonly fillHighForMs: number;
  readonly fillLowForMs: number;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** Most nodes that one decision adds. */
  readonly nodesStepMax: number;
  readonly cooldownOutMs: number;
  readonly cooldownInMs: number;
  /** Above this share of unhealthy nodes nothing scales. */
  readonly unhealthyShareMax: number;
  /** From a decision to grow until the new nodes have taken their share. */
  readonly leadMs: number;
  /** A node goes only if the others are expected to do without it for so long. */
  readonly spareForMs: number;
  /** Bytes a second at which a node empties, or fills. */
  readonly nodeRateBytes: number;
}

/** Since when the fullest zone is above the high mark, or below the low one; absent while it is not. */
export interface MarkTimes {
  readonly highSince?: EpochMillis;
  readonly lowSince?: EpochMillis;
}

export interface ScaleHistory extends MarkTimes {
  readonly lastScaleOut?: EpochMillis;
  readonly lastScaleIn?: EpochMillis;
  /** When the youngest active node joined: a fleet that was just given nodes is not judged too large. */
  readonly lastJoin?: EpochMillis;
  readonly jobsRunning: readonly { readonly kind: string }[];
  /** What the recorded history says of zones; without it only the marks decide. */
  readonly outlooks?: ReadonlyMap<Zone, Outlook>;
}

export type ScaleDecision =
  | {
      readonly kind: 'scale-out';
      readonly zones: Readonly<Record<Zone, number>>;
      /** Of the nodes; empty for what the launch template has. */
      readonly type: string;
      readonly reasons: readonly ScaleReason[];
    }
  | { readonly kind: 'scale-in'; readonly node: NodeId; readonly reasons: readonly ScaleReason[] }
  | { readonly kind: 'hold'; readonly reasons: readonly ScaleReason[] };

/**
 * Replaces what died where fewer than the fewest are left. Grows when a zone is above its high mark for long enough, or will be before new nodes could help; else
 * shrinks by one node when every zone is below the low mark, or when the forecast says that one less will do,
 * and the trial allows it; else holds. Nodes on their way count as capacity, so a decision is not taken
 * twice.
 */
export function decideScale(
  nodes: readonly ScaleNode[],
  policy: ScalePolicy,
  history: ScaleHistory,
  now: EpochMillis,
  trial: ScaleInTrial,
): ScaleDecision {
  const frozen = freezeReasons(nodes, policy, history);
  const isIll = frozen.some(({ kind }) => kind !== 'repair-runs');
  const replacement = isIll ? undefined : replaceLost(nodes, policy, history, now);
  if (replacement !== undefined) return replacement;
  if (frozen.length > 0) return { kind: 'hold', reasons: frozen };
  const zones = zoneUses(nodes);
  const needs = needsOf(zones, policy, history, now);
  if (needs.length > 0) return decideOut(nodes, needs, policy, history, now);
  const { fillLow, fillHigh } = policy;
  const fullest = fullestOf(zones);
  if (fullest < fillLow || isSpareKnown(zones, history)) {
    return decideIn({ nodes, zones, policy, history, now, trial });
  }
  return { kind: 'hold', reasons: [{ kind: 'between-marks', fill: fullest, fillLow, fillHigh }] };
}

/** The times of the marks as they stand now, from what they were at the last look. */
export function markTimes(
  nodes: readonly ScaleNode[],
  { fillHigh, fillLow }: Pick<ScalePolicy, 'fillHigh' | 'fillLow'>,
  { highSince, lowSince }: MarkTimes,
  now: EpochMillis,
): MarkTimes {
  const fullest = fullestOf(zoneUses(nodes));
  return {
    ...(fullest > fillHigh && { highSince: highSince ?? now }),
    ...(fullest < fillLow && { lowSince: lowSince ?? now }),
  };
}

/** States of nodes that will take copies, or do. */
export const coming: readonly NodeState[] = ['launched', 'joining'];
export const counts = ({ state }: ScaleNode): boolean =>
  state === 'active' || coming.includes(state);

function freezeReasons(
  nodes: readonly ScaleNode[],
  { unhealthyShareMax }: ScalePolicy,
  { jobsRunning }: ScaleHistory,
): ScaleReason[] {
  const members = nodes.filter(({ state }) => ['active', 'draining', 'dead'].includes(state));
  const ill = members.filter(({ healthy, state }) => !healthy || state === 'dead').length;
  const repairs = jobsRunning.filter(({ kind }) => kind === 'repair').length;
  const reasons: ScaleReason[] = [];
  if (members.length === 0) reasons.push({ kind: 'no-nodes' });
  if (ill > unhealthyShareMax * members.length) {
    reasons.push({ kind: 'too-many-unhealthy', ill, of: members.length, unhealthyShareMax });
  }
  if (repairs > 0) reasons.push({ kind: 'repair-runs', jobs: repairs });
  return reasons;
}

/** By zone that has a node which serves or comes: what a draining node holds stays in its zone. */
export function zoneUses(nodes: readonly ScaleNode[]): ZoneUse[] {
  const present = nodes.filter((node) => counts(node) || node.state === 'draining');
  return [...Map.groupBy(present, ({ zone }) => zone)]
    .sort(([left], [right]) => byCodeUnit(left, right))
    .map(([zone, members]) => {
      const taking = members.filter(counts);
      return {
        zone,
        usedBytes: members.reduce((sum, { used }) => sum + used, 0),
        capacityBytes: taking.reduce((sum, { capacity }) => sum + capacity, 0),
        nodes: taking.length,
      };
    });
}

const fullestOf = (zones: readonly ZoneUse[]): number => Math.max(...zones.map(zoneFill));

/** What is left of a cooldown; undefined when it is over. */
export function cooldown(
  last: EpochMillis | undefined,
  cooldownMs: number,
  now: EpochMillis,
): ScaleReason | undefined {
  if (last === undefined || now - last >= cooldownMs) return undefined;
  return { kind: 'cooling-down', leftMs: cooldownMs - (now - last), cooldownMs };
}

/** That a mark has not been passed for long enough; undefined when it has. */
export function tooShort(
  since: EpochMillis | undefined,
  neededMs: number,
  now: EpochMillis,
): ScaleReason | undefined {
  const forMs = since === undefined ? 0 : now - since;
  return forMs >= neededMs ? undefined : { kind: 'mark-too-short', forMs, neededMs };
}
