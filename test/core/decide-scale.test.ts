import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideScale,
  type ScaleHistory,
  type ScaleNode,
  type ScalePolicy,
} from '../../lib/core/decide-scale.ts';
import { nodeId, zone } from '../../lib/core/ids.ts';
import type { NodeState } from '../../lib/core/lifecycle.ts';
import { explainReason } from '../../lib/core/scale-reason.ts';
import { bytes, epochMillis } from '../../lib/core/units.ts';

const policy: ScalePolicy = {
  fillHigh: 0.8,
  fillLow: 0.3,
  fillTarget: 0.7,
  nodesMin: 3,
  nodesMax: 8,
  nodesStepMax: 3,
  nodeCapacityBytes: 100,
  cooldownOutMs: 1_000,
  cooldownInMs: 5_000,
  unhealthyShareMax: 0.34,
  fillHard: 0.95,
  fillSpare: 0.75,
  fillHighForMs: 0,
  fillLowForMs: 0,
  nodeDollarsPerHour: 1,
  nodeTypes: [],
  nodeRateBytes: 1,
  leadMs: 3_600_000,
  spareForMs: 86_400_000,
};
const now = epochMillis(1_000_000);
const calm: ScaleHistory = { jobsRunning: [] };

/** `a0:50` is an active node of zone a with 50 of 100 bytes used. */
function nodesOf(text: string): ScaleNode[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((each) => {
      const [id, used, state = 'active', health] = each.split(':');
      return {
        id: nodeId(id!),
        zone: zone(id![0]!),
        capacity: bytes(100),
        used: bytes(Number(used)),
        state: state as NodeState,
        healthy: health !== 'ill',
      };
    });
}

const decide = (
  nodes: string,
  more: {
    history?: Partial<ScaleHistory>;
    policy?: Partial<ScalePolicy>;
    allowed?: readonly string[];
  } = {},
): string => {
  const allowed = more.allowed;
  const decision = decideScale(
    nodesOf(nodes),
    { ...policy, ...more.policy },
    { ...calm, ...more.history },
    now,
    (leaving) => ({
      bytesMoved: 1,
      crossZoneBytes: 0,
      moves: 1,
      reasons:
        allowed === undefined || allowed.includes(leaving)
          ? []
          : [
              {
                kind: 'drain-blocked',
                node: leaving,
                block: { kind: 'unknown-node', node: leaving },
              },
            ],
    }),
  );
  const kinds = decision.reasons.map(({ kind }) => kind).join(' ');
  if (decision.kind === 'scale-in') return `in ${decision.node}: ${kinds}`;
  if (decision.kind === 'hold') return `hold: ${kinds}`;
  return `out ${JSON.stringify(decision.zones)}: ${kinds}`;
};

describe('the decision', () => {
  const full = 'a0:85 b0:50 c0:50';
  const idle = 'a0:10 a1:5 b0:10 c0:10';
  test.each<
    [behaviour: string, nodes: string, more: Parameters<typeof decide>[1], decision: string]
  >([
    ['grows the zone above the mark', full, {}, 'out {"a":1}: zone-above-mark'],
    [
      'grows several zones, the neediest most',
      'a0:99 b0:85 c0:50',
      { policy: { fillTarget: 0.4 } },
      'out {"a":2,"b":1}: zone-above-mark zone-above-mark',
    ],
    [
      'at least one even where the target would not say so',
      full,
      { policy: { fillTarget: 0.8 } },
      'out {"a":1}: zone-above-mark',
    ],
    [
      'adds no more than zones need',
      'a0:85 b0:85 c0:50',
      { policy: { nodesStepMax: 9 } },
      'out {"a":1,"b":1}: zone-above-mark zone-above-mark',
    ],
    ['counts a node that is on its way', `${full} a1:0:joining`, {}, 'hold: between-marks'],
    [
      'counts what a draining node must leave in its zone',
      'a0:45 a1:45:draining b0:50 c0:50',
      {},
      'out {"a":1}: zone-above-mark',
    ],
    [
      'waits for the cooldown out',
      full,
      { history: { lastScaleOut: epochMillis(now - 999) } },
      'hold: zone-above-mark cooling-down',
    ],
    [
      'not for that of scaling in',
      full,
      { history: { lastScaleIn: epochMillis(now - 1), lastScaleOut: epochMillis(now - 1_000) } },
      'out {"a":1}: zone-above-mark',
    ],
    [
      'keeps to the most nodes',
      full,
      { policy: { nodesMax: 3 } },
      'hold: zone-above-mark at-most-nodes',
    ],
    [
      'grows while jobs run',
      full,
      { history: { jobsRunning: [{ kind: 'rebalance' }] } },
      'out {"a":1}: zone-above-mark',
    ],
    [
      'holds while a repair runs',
      full,
      { history: { jobsRunning: [{ kind: 'repair' }] } },
      'hold: repair-runs',
    ],
    [
      'freezes when too many are ill',
      'a0:85:active:ill b0:50:dead c0:50',
      {},
      'hold: too-many-unhealthy',
    ],
    [
      'but not for one of three',
      'a0:85:active:ill b0:50 c0:50',
      {},
      'out {"a":1}: zone-above-mark',
    ],
    ['holds with nothing to judge by', '', {}, 'hold: no-nodes'],
    ['holds between the marks', 'a0:50 b0:50 c0:50', {}, 'hold: between-marks'],
    ['holds if any zone is above the low mark', 'a0:1 a1:1 b0:40 c0:1', {}, 'hold: between-marks'],
    [
      'shrinks by the emptiest node of the emptiest zone that has two',
      idle,
      {},
      'in a1: zone-below-mark zone-below-mark zone-below-mark pays-back',
    ],
    [
      'tries the next if the trial refuses',
      idle,
      { allowed: ['a0'] },
      'in a0: zone-below-mark zone-below-mark zone-below-mark pays-back',
    ],
    [
      'holds if the trial refuses all',
      idle,
      { allowed: [] },
      'hold: zone-below-mark zone-below-mark zone-below-mark no-node-to-spare drain-blocked drain-blocked',
    ],
    [
      'never takes the last node of a zone',
      'a0:1 b0:1 c0:1',
      { policy: { nodesMin: 1 } },
      'hold: zone-below-mark zone-below-mark zone-below-mark no-node-to-spare',
    ],
    [
      'keeps the fewest nodes',
      idle,
      { policy: { nodesMin: 4 } },
      'hold: zone-below-mark zone-below-mark zone-below-mark at-fewest-nodes',
    ],
    [
      'waits for the cooldown in after either',
      idle,
      { history: { lastScaleOut: epochMillis(now - 4_999) } },
      'hold: zone-below-mark zone-below-mark zone-below-mark cooling-down',
    ],
    [
      'one at a time',
      idle,
      { history: { jobsRunning: [{ kind: 'drain' }] } },
      'hold: zone-below-mark zone-below-mark zone-below-mark jobs-run',
    ],
    [
      'not while nodes arrive',
      `${idle} b1:0:launched`,
      {},
      'hold: zone-below-mark zone-below-mark zone-below-mark nodes-arriving',
    ],
    [
      'not into a zone that would pass the target',
      'a0:28 a1:28 b0:28 c0:28',
      { policy: { fillTarget: 0.5 } },
      'hold: zone-below-mark zone-below-mark zone-below-mark no-node-to-spare',
    ],
  ])('%s', (_behaviour, nodes, more, decision) => {
    expect(decide(nodes, more)).toBe(decision);
  });

  test('it never leaves its bounds, and never does both', () => {
    const anyNode = fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.nat(100),
      fc.constantFrom('active', 'active', 'active', 'joining', 'draining', 'dead'),
    );
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 12 }), fc.boolean(), (drawn, allows) => {
        const text = drawn
          .map(([zoned, used, state], at) => `${zoned}${at}:${used}:${state}`)
          .join(' ');
        const nodes = nodesOf(text);
        const reason = { kind: 'no-nodes' } as const;
        const decision = decideScale(nodes, policy, calm, now, () => ({
          ...{ bytesMoved: 1, crossZoneBytes: 0, moves: 1 },
          reasons: allows ? [] : [reason],
        }));
        expect(decision.reasons.length).toBeGreaterThan(0);
        for (const each of decision.reasons)
          expect(explainReason(each)).not.toMatch(/undefined|NaN/);
        const taking = nodes.filter(
          ({ state }) => state === 'active' || state === 'joining',
        ).length;
        if (decision.kind === 'scale-out') {
          const added = Object.values<number>(decision.zones).reduce((sum, each) => sum + each, 0);
          expect(added).toBeGreaterThanOrEqual(1);
          expect(added).toBeLessThanOrEqual(policy.nodesStepMax);
          expect(taking + added).toBeLessThanOrEqual(policy.nodesMax);
        }
        if (decision.kind === 'scale-in') {
          const leaver = nodes.find(({ id }) => id === decision.node)!;
          const peers = nodes.filter(
            ({ zone: of, state }) => of === leaver.zone && state === 'active',
          );
          expect(peers.length).toBeGreaterThanOrEqual(2);
          expect(taking).toBeGreaterThan(policy.nodesMin);
          expect(allows).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
