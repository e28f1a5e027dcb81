import { adviseCapacity, type ZoneUse, zoneFill } from './capacity.ts';
import { byCodeUnit, type NodeId, type Zone } from './ids.ts';
import type { NodeState } from './lifecycle.ts';
import type { ScaleReason } from './scale-reason.ts';
import type { Bytes, EpochMillis } from './units.ts';

export interface ScaleNode {
  readonly id: NodeId;
  readonly zone: Zone;
  readonly capacity: Bytes;
  readonly used: Bytes;
  readonly state: NodeState;
  readonly healthy: boolean;
}

export interface ScalePolicy {
  /** Marks of the fullest zone's fill. */
  readonly fillHigh: number;
  readonly fillLow: number;
  readonly fillTarget: number;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** Most nodes that one decision adds. */
  readonly nodesStepMax: number;
  readonly nodeCapacityBytes: number;
  readonly cooldownOutMs: number;
  readonly cooldownInMs: number;
  /** Above this share of unhealthy nodes nothing scales. */
  readonly unhealthyShareMax: number;
}

export interface ScaleHistory {
  readonly lastScaleOut?: EpochMillis;
  readonly lastScaleIn?: EpochMillis;
  /** When the youngest active node joined: a fleet that was just given nodes is not judged too large. */
  readonly lastJoin?: EpochMillis;
  readonly jobsRunning: readonly { readonly kind: string }[];
}

export type ScaleDecision =
  | {
      readonly kind: 'scale-out';
      readonly zones: Readonly<Record<Zone, number>>;
      readonly reasons: readonly ScaleReason[];
    }
  | { readonly kind: 'scale-in'; readonly node: NodeId; readonly reasons: readonly ScaleReason[] }
  | { readonly kind: 'hold'; readonly reasons: readonly ScaleReason[] };

/** Why the node may not go, from a trial of its drain on the placement; empty if it may. */
export type ScaleInTrial = (leaving: NodeId) => readonly ScaleReason[];

/**
 * Grows when any zone is above its high mark, else shrinks by one node when every zone is below the low
 * mark and the trial allows it, else holds. Nodes on their way count as capacity, so a decision is not
 * taken twice.
 */
export function decideScale(
  nodes: readonly ScaleNode[],
  policy: ScalePolicy,
  history: ScaleHistory,
  now: EpochMillis,
  trial: ScaleInTrial,
): ScaleDecision {
  const frozen = freezeReasons(nodes, policy, history);
  if (frozen.length > 0) return { kind: 'hold', reasons: frozen };
  const zones = zoneUses(nodes);
  const full = zones.filter((use) => zoneFill(use) > policy.fillHigh);
  if (full.length > 0) return decideOut(nodes, full, policy, history, now);
  const fullest = Math.max(...zones.map(zoneFill));
  if (fullest < policy.fillLow) return decideIn(nodes, zones, policy, history, now, trial);
  const { fillLow, fillHigh } = policy;
  return { kind: 'hold', reasons: [{ kind: 'between-marks', fill: fullest, fillLow, fillHigh }] };
}

/** States of nodes that will take copies, or do. */
const coming: readonly NodeState[] = ['launched', 'joining'];
const counts = ({ state }: ScaleNode): boolean => state === 'active' || coming.includes(state);

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
function zoneUses(nodes: readonly ScaleNode[]): ZoneUse[] {
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

function decideOut(
  nodes: readonly ScaleNode[],
  full: readonly ZoneUse[],
  policy: ScalePolicy,
  { lastScaleOut }: ScaleHistory,
  now: EpochMillis,
): ScaleDecision {
  const { fillHigh, nodesMax, nodesStepMax, cooldownOutMs } = policy;
  const reasons: ScaleReason[] = full.map((use) => ({
    kind: 'zone-above-mark',
    zone: use.zone,
    fill: zoneFill(use),
    fillHigh,
  }));
  const cooling = cooldown(lastScaleOut, cooldownOutMs, now);
  if (cooling !== undefined) return { kind: 'hold', reasons: [...reasons, cooling] };
  const present = nodes.filter(counts).length;
  const room = Math.min(nodesStepMax, nodesMax - present);
  if (room <= 0) {
    return {
      kind: 'hold',
      reasons: [...reasons, { kind: 'at-most-nodes', nodes: present, nodesMax }],
    };
  }
  const zones = sharedOut(full, policy, room);
  return { kind: 'scale-out', zones, reasons };
}

/** One node at a time to the zone that needs most, until none needs more or none is left to give. */
function sharedOut(full: readonly ZoneUse[], policy: ScalePolicy, room: number) {
  const needs = full.map((use) => {
    const advice = adviseCapacity(use, policy);
    return { zone: use.zone, nodes: advice.kind === 'add' ? advice.nodes : 1 };
  });
  const zones: Record<Zone, number> = {};
  for (let given = 0; given < room; given++) {
    const needy = needs.reduce((most, need) => (need.nodes > most.nodes ? need : most));
    if (needy.nodes === 0) break;
    needy.nodes--;
    zones[needy.zone] = (zones[needy.zone] ?? 0) + 1;
  }
  return zones;
}

/** Trials of one decision: each is a plan over the whole placement. */
const trialsMax = 4;

function decideIn(
  nodes: readonly ScaleNode[],
  zones: readonly ZoneUse[],
  policy: ScalePolicy,
  history: ScaleHistory,
  now: EpochMillis,
  trial: ScaleInTrial,
): ScaleDecision {
  const { fillLow } = policy;
  const low: ScaleReason[] = zones.map((use) => ({
    kind: 'zone-below-mark',
    zone: use.zone,
    fill: zoneFill(use),
    fillLow,
  }));
  const against = reasonsToWait(nodes, policy, history, now);
  if (against.length > 0) return { kind: 'hold', reasons: [...low, ...against] };
  const candidates = leavable(nodes, zones, policy);
  const refusals: ScaleReason[] = [];
  for (const { id } of candidates.slice(0, trialsMax)) {
    const reasons = trial(id);
    if (reasons.length === 0) return { kind: 'scale-in', node: id, reasons: low };
    refusals.push(...reasons);
  }
  const { fillTarget } = policy;
  const none: ScaleReason = { kind: 'no-node-to-spare', candidates: candidates.length, fillTarget };
  return { kind: 'hold', reasons: [...low, none, ...refusals] };
}

function reasonsToWait(
  nodes: readonly ScaleNode[],
  { nodesMin, cooldownInMs }: ScalePolicy,
  { lastScaleIn, lastScaleOut, lastJoin, jobsRunning }: ScaleHistory,
  now: EpochMillis,
): ScaleReason[] {
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
 * Nodes whose zone keeps another active one and stays at or below the target without them: the emptiest
 * zone first, and in it the node with least to move.
 */
function leavable(
  nodes: readonly ScaleNode[],
  zones: readonly ZoneUse[],
  { fillTarget }: ScalePolicy,
): ScaleNode[] {
  const active = nodes.filter(({ state }) => state === 'active');
  const order = [...zones].sort((l, r) => zoneFill(l) - zoneFill(r) || byCodeUnit(l.zone, r.zone));
  return order.flatMap(({ zone, usedBytes, capacityBytes }) => {
    const members = active.filter((node) => node.zone === zone);
    if (members.length < 2) return [];
    return members
      .filter(({ capacity }) => usedBytes <= fillTarget * (capacityBytes - capacity))
      .sort((l, r) => l.used - r.used || byCodeUnit(l.id, r.id));
  });
}

function cooldown(
  last: EpochMillis | undefined,
  cooldownMs: number,
  now: EpochMillis,
): ScaleReason | undefined {
  if (last === undefined || now - last >= cooldownMs) return undefined;
  return { kind: 'cooling-down', leftMs: cooldownMs - (now - last), cooldownMs };
}
