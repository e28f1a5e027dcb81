import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideScale,
  markTimes,
  type ScaleHistory,
  type ScaleNode,
  type ScalePolicy,
} from '../../lib/core/decide-scale.ts';
import { type Forecast, hourMs, type Outlook } from '../../lib/core/forecast.ts';
import { nodeId, type Zone, zone } from '../../lib/core/ids.ts';
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
      const [id, used, state = 'active', told] = each.split(':');
      return {
        id: nodeId(id!),
        zone: zone(id![0]!),
        capacity: bytes(100),
        used: bytes(Number(used)),
        state: state as NodeState,
        healthy: told !== 'ill',
        isLost: told === 'lost',
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
  const type = decision.type === '' ? '' : ` ${decision.type}`;
  return `out ${JSON.stringify(decision.zones)}${type}: ${kinds}`;
};

/** Every zone is foreseen alike: flat but for what is said. Bytes, of nodes of 100. */
function outlooksOf(forecast: Partial<Forecast>, risingBytesPerHour = 0) {
  const flat: Forecast = {
    ...{ hour: Math.floor(now / hourMs) - 1, levelBytes: 100, growthBytesPerDay: 0 },
    ...{ seasonBytes: Array.from({ length: 24 }, () => 0) },
    errors: [{ hours: 1, low: 0, high: 0 }],
  };
  const outlook = { forecast: { ...flat, ...forecast }, risingBytesPerHour };
  return new Map(['a', 'b', 'c'].map((name) => [zone(name), outlook]));
}

/** Two nodes a zone, three in zone a. */
const roomy = 'a0:34 a1:33 a2:33 b0:50 b1:50 c0:50 c1:50';
const foreseen = (forecast: Partial<Forecast>, rising?: number, nodes = roomy): string =>
  decide(nodes, {
    policy: { fillSpare: 0.55, nodeRateBytes: 1e3, nodesMax: 20 },
    history: { outlooks: outlooksOf(forecast, rising) },
  });

describe('with a forecast', () => {
  const season = Array.from({ length: 24 }, (_, hour) => (hour === 12 ? 30 : -30 / 23));
  test.each<[behaviour: string, said: string, decision: string]>([
    ['lets a node go long before the low mark', foreseen({}), 'in a1: fewer-would-do pays-back'],
    [
      'not if the daily peak needs it',
      foreseen({ seasonBytes: season }),
      'hold: fewer-would-do no-node-to-spare forecast-too-full forecast-too-full forecast-too-full',
    ],
    [
      'not if it may grow again before that has paid',
      foreseen({ errors: [{ hours: 1, low: 0, high: 90 }] }),
      'hold: fewer-would-do no-node-to-spare would-not-pay-back would-not-pay-back would-not-pay-back',
    ],
    [
      'not while use rises towards the mark',
      foreseen({}, 70),
      'hold: fewer-would-do no-node-to-spare would-not-pay-back would-not-pay-back would-not-pay-back',
    ],
    [
      'holds where a node less would not do',
      foreseen({}, 0, 'a0:60 a1:60 b0:60 b1:60 c0:60 c1:60'),
      'hold: between-marks',
    ],
    [
      'grows before the hard limit is reached',
      foreseen({}, 60, 'a0:60 a1:60 b0:50 b1:50 c0:50 c1:50'),
      'hold: between-marks',
    ],
    [
      'grows for what will be there when new nodes help',
      foreseen({}, 120, 'a0:60 a1:60 b0:50 b1:50 c0:50 c1:50'),
      'out {"a":1,"b":1,"c":1}: zone-will-fill zone-will-fill zone-will-fill',
    ],
    [
      'grows before the daily peak passes the high mark',
      foreseen({ levelBytes: 165 }, 0, 'a0:75 a1:75 b0:50 b1:50 c0:50 c1:50'),
      'out {"a":1,"b":1,"c":1}: zone-will-fill zone-will-fill zone-will-fill',
    ],
  ])('%s', (_behaviour, said, decision) => expect(said).toBe(decision));

  test('one zone that is not foreseen leaves it to the low mark', () => {
    const outlooks = new Map<Zone, Outlook>(outlooksOf({}));
    outlooks.set(zone('b'), { forecast: undefined, risingBytesPerHour: 0 });
    expect(decide(roomy, { history: { outlooks } })).toBe('hold: between-marks');
  });

  test('the reasons give their numbers', () => {
    const nodes = nodesOf(roomy);
    const history = { ...calm, outlooks: outlooksOf({}, 70) };
    const decision = decideScale(nodes, { ...policy, fillSpare: 0.55 }, history, now, () => {
      throw new Error('the forecast refuses before any trial');
    });
    expect(decision.reasons.map(explainReason)).toEqual(
      expect.arrayContaining([
        'zone a is 33.3 % full and stays below 55.0 % with a node less',
        expect.stringMatching(
          /^a1 may be needed again in 0\.9 h: letting it go costs \$1\.0, which 1\.0 h at \$1\.0 earn back$/,
        ),
      ]),
    );
  });
});

test('the times of the marks begin when one is passed and end when it is not', () => {
  const later = epochMillis(now + 1);
  const high = markTimes(nodesOf('a0:85 b0:1'), policy, {}, now);
  expect(high).toEqual({ highSince: now });
  expect(markTimes(nodesOf('a0:81 b0:1'), policy, high, later)).toEqual({ highSince: now });
  expect(markTimes(nodesOf('a0:80 b0:1'), policy, high, later)).toEqual({});
  expect(markTimes(nodesOf('a0:29 b0:1'), policy, high, later)).toEqual({ lowSince: later });
});

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
    [
      'replaces one of the fewest that died',
      'a0:50 b0:50:dead c0:50',
      {},
      'out {"b":1}: nodes-lost',
    ],
    [
      'does not wait for the repair, which may wait for the node',
      'a0:50 b0:50:dead c0:50',
      { history: { jobsRunning: [{ kind: 'repair' }] } },
      'out {"b":1}: nodes-lost',
    ],
    [
      'replaces each in its zone, as many as are missing and as one step may add',
      'a0:50 a1:50 a2:50 a3:50 a4:50 b0:50 b1:50 b3:0:dead b2:0:dead c0:0:dead c1:0:dead',
      { policy: { nodesMin: 99, nodesMax: 99, unhealthyShareMax: 0.5 } },
      'out {"b":2,"c":1}: nodes-lost',
    ],
    [
      'replaces nothing while enough are left',
      'a0:50 a1:50 b0:50:dead c0:50',
      {},
      'hold: between-marks',
    ],
    [
      'counts what is on its way',
      'a0:50 b0:50:dead b1:0:joining c0:50',
      { history: { jobsRunning: [{ kind: 'repair' }] } },
      'hold: repair-runs',
    ],
    [
      'replaces what is taken away',
      'a0:50 a1:0:draining:lost b0:50',
      {},
      'out {"a":1}: nodes-lost',
    ],
    [
      'replaces one whose disk has failed',
      'a0:50 b0:50:active:lost c0:50',
      {},
      'out {"b":1}: nodes-lost',
    ],
    ['does not replace what is drained', 'a0:50 a1:0:draining b0:50', {}, 'hold: between-marks'],
    [
      'replaces nothing while it cools down',
      'a0:50 b0:50:dead c0:50',
      { history: { lastScaleOut: epochMillis(now - 999) } },
      'hold: nodes-lost cooling-down',
    ],
    [
      'replaces nothing when too many died',
      'a0:50 b0:50:dead c0:50:dead',
      {},
      'hold: too-many-unhealthy',
    ],
    [
      'replaces nothing beyond the most nodes',
      'a0:50 b0:50:dead c0:50',
      { policy: { nodesMin: 3, nodesMax: 2 } },
      'hold: between-marks',
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

  const since = (ms: number) => epochMillis(now - ms);
  test.each<
    [behaviour: string, nodes: string, more: Parameters<typeof decide>[1], decision: string]
  >([
    [
      'waits until the high mark is passed for long enough',
      full,
      { policy: { fillHighForMs: 60_000 }, history: { highSince: since(59_999) } },
      'hold: zone-above-mark mark-too-short',
    ],
    [
      'and then grows',
      full,
      { policy: { fillHighForMs: 60_000 }, history: { highSince: since(60_000) } },
      'out {"a":1}: zone-above-mark',
    ],
    [
      'does not wait near the hard limit',
      'a0:88 b0:50 c0:50',
      { policy: { fillHighForMs: 60_000 }, history: { highSince: now } },
      'out {"a":1}: zone-above-mark',
    ],
    [
      'waits until the low mark is passed for long enough',
      idle,
      { policy: { fillLowForMs: 60_000 }, history: { lowSince: since(1) } },
      'hold: zone-below-mark zone-below-mark zone-below-mark mark-too-short',
    ],
    [
      'launches the type that costs least',
      'a0:95 b0:50 c0:50',
      {
        policy: {
          fillTarget: 0.4,
          nodeTypes: [
            { type: 'large', capacityBytes: 200, dollarsPerHour: 1.5 },
            { type: 'small', capacityBytes: 100, dollarsPerHour: 1 },
          ],
        },
      },
      'out {"a":1} large: zone-above-mark',
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
