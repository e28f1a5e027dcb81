import { describe, expect, test } from 'vitest';
import { explainBlock } from '../../lib/core/explain-block.ts';
import { nodeId, zone } from '../../lib/core/ids.ts';
import type { Block } from '../../lib/core/plan.ts';
import { trialOn } from '../../lib/core/scale-in-trial.ts';
import { explainReason } from '../../lib/core/scale-reason.ts';
import { bytes } from '../../lib/core/units.ts';
import { replicated, sketch, times } from './fleets.ts';

describe('the trial on the placement', () => {
  const marks = { fillHigh: 0.8, fillHard: 0.95 };
  const three = (count: number) => times(count, (at) => ({ on: [`a${at % 2}`, 'b0', 'c0'] }));

  test.each<[behaviour: string, ...fleet: Parameters<typeof sketch>, reasons: object[]]>([
    ['lets an idle node go', { a0: {}, a1: {}, b0: {}, c0: {} }, three(40), []],
    [
      'not if the drain is blocked',
      { a0: {}, b0: {}, c0: {} },
      [],
      [{ kind: 'drain-blocked', node: 'a0', block: { kind: 'last-node-of-zone' } }],
    ],
    [
      'not if another node would pass the high mark',
      { a0: {}, a1: {}, b0: {}, c0: {} },
      three(80),
      [{ kind: 'node-would-be-full', leaving: 'a0', fill: 0.8, fillHigh: 0.8 }],
    ],
    [
      'not if the largest zone could not be lost',
      { a0: {}, a1: { used: 70 }, b0: {}, c0: { used: 70 } },
      times(40, () => ({ on: ['b0'] }))
        .concat(times(70, () => ({ on: ['b0'] })))
        .slice(0, 75),
      [
        {
          kind: 'zone-loss-would-not-fit',
          leaving: 'a0',
          zone: 'b',
          neededBytes: 75,
          roomBytes: 50,
        },
      ],
    ],
  ])('%s', (_behaviour, nodes, chunks, reasons) => {
    const { reasons: said } = trialOn(sketch(nodes, chunks), marks)(nodeId('a0'));
    expect(said).toMatchObject(reasons);
    expect(said).toHaveLength(reasons.length);
    for (const each of said) expect(explainReason(each)).not.toMatch(/undefined|NaN/);
  });

  test('three copies in three zones could not be rebuilt anywhere, so need no room', () => {
    const fleet = sketch(
      { a0: {}, a1: {}, b0: {}, c0: {} },
      three(70).map((each) => ({ ...each, rule: replicated(3) })),
    );
    expect(trialOn(fleet, marks)(nodeId('a1'))).toEqual({
      reasons: [],
      bytesMoved: 35,
      crossZoneBytes: 0,
      moves: 35,
    });
  });
});

test('every block and the rarer reasons read as sentences', () => {
  const blocks: Block[] = [
    {
      kind: 'no-node-fits',
      chunk: 'c1' as never,
      bytes: bytes(2048),
      from: nodeId('a0'),
      zones: [zone('a')],
    },
    { kind: 'too-few-holders', chunk: 'c1' as never, live: 1, needed: 3 },
    {
      kind: 'zone-lacks-room',
      zone: zone('a'),
      neededBytes: bytes(2048),
      roomBytes: bytes(1024),
      slots: 2,
    },
    { kind: 'last-node-of-zone', node: nodeId('a0'), zone: zone('a') },
    { kind: 'wrong-state', node: nodeId('a0'), state: 'dead' },
    { kind: 'unknown-node', node: nodeId('x9') },
  ];
  expect(blocks.map(explainBlock)).toEqual([
    'chunk c1 (2.00 KiB) on a0 fits on no other node of a',
    'chunk c1 has 1 live holders and needs 3',
    'zone a must take 2.00 KiB and has room for 1.00 KiB: 2 slots find no node',
    'no active node would stay in zone a without a0',
    'node a0 is dead, not active or draining',
    'there is no node x9',
  ]);
  expect(explainReason({ kind: 'cooling-down', leftMs: 1_500, cooldownMs: 5_000 })).toBe(
    '2 s of the cooldown are left',
  );
  expect(explainReason({ kind: 'at-most-nodes', nodes: 8, nodesMax: 8 })).toBe(
    'there are 8 nodes, at most 8 are allowed',
  );
  expect(explainReason({ kind: 'repair-runs', jobs: 1 })).toBe('1 repair is running');
  expect(explainReason({ kind: 'jobs-run', jobs: 2 })).toBe('2 jobs are running');
  expect(explainReason({ kind: 'nodes-arriving', nodes: 1 })).toBe('1 node is still joining');
});
