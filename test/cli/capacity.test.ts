import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heartbeatKey, policyKey } from '../../lib/contract/keys.ts';
import { historyOp } from '../../lib/control/history.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { ballast } from '../support/command-line.ts';
import { type MemoryFleet, memoryFleet } from '../support/memory-fleet.ts';
import { scratch } from '../support/scratch.ts';

const hourMs = 3_600_000;

/** Every node's disk of 1 GB holds this share. */
function beat({ store, disks, nowMs }: MemoryFleet, share: number): void {
  for (const node of disks.keys()) {
    const fields = {
      ...{ at: nowMs, seq: 1, port: 7070, incarnation: node, usedBytes: share * 1e9 },
      ...{ capacityBytes: 1e9, chunks: 1, connections: 0, cpu: 0, memory: 0, ioWait: 0, p99Ms: 0 },
      ...{ diskSuspect: false, foregroundIn: 0, foregroundOut: 0 },
      ...{ backgroundIn: 0, backgroundOut: 0 },
    };
    store.write([{ op: 'put', key: heartbeatKey(nodeId(node)), fields }]);
  }
}

/** A record an hour of the last `hours`: each zone grows by 1 MB an hour up to what it holds now. */
function remember({ store, nowMs }: MemoryFleet, hours: number, share: number): void {
  for (let back = hours; back > 0; back--) {
    const zones = ['a', 'b', 'c'].map((zone) => ({
      ...{ zone, usedBytes: share * 1e9 - back * 1e6, capacityBytes: 1e9, nodes: 1 },
      ...{ advice: 'keep' as const, adviceNodes: 0 },
    }));
    const at = nowMs - back * hourMs;
    store.write([historyOp({ at, zones, decision: 'hold', reasons: [], job: '' })]);
  }
}

const json = async (argv: readonly string[], fleet: MemoryFleet | undefined) =>
  JSON.parse((await ballast([...argv, '--json'], fleet)).stdout);

describe('capacity', () => {
  test('says what each zone holds and what the planner advises', async () => {
    const fleet = memoryFleet();
    beat(fleet, 0.9);
    const ran = await ballast(['capacity'], fleet);
    expect(ran.stdout).toMatch(
      /ZONE +NODES +USED +CAPACITY +FILL +ADVICE\na +1 .* 90\.0% +add 1 \(\$0\.21\/h\)\n/,
    );
    const { zones } = await json(['capacity'], fleet);
    expect(zones[2]).toMatchObject({
      zone: 'c',
      fill: 0.9,
      advice: { kind: 'add', nodes: 1, type: '' },
    });
  });

  test('with types, the cheapest that does', async () => {
    const nodeTypes = [
      { type: 'im4gn.xlarge', capacityBytes: 2e9, dollarsPerHour: 0.36 },
      { type: 'im4gn.large', capacityBytes: 1e9, dollarsPerHour: 0.18 },
    ];
    const fleet = memoryFleet();
    fleet.store.write([{ op: 'put', key: policyKey, fields: { nodeTypes, lastOp: 'x' } }]);
    beat(fleet, 0.9);
    expect((await ballast(['capacity'], fleet)).stdout).toContain('add 1 im4gn.large ($0.18/h)');
  });

  test('the trend, a forecast with its range and days to full', async () => {
    const fleet = memoryFleet();
    beat(fleet, 0.5);
    remember(fleet, 96, 0.5);
    const { trends } = await json(['capacity', '--trend', '--hours', '72'], fleet);
    expect(trends[0]).toMatchObject({ zone: 'a', trend: { kind: 'growing', hours: 72 } });
    expect(trends[0].trend.bytesPerDay).toBeCloseTo(24e6, -6);
    expect(trends[0].daysToFull.expected).toBeCloseTo(0.45e9 / 24e6, 0);
    const text = (await ballast(['capacity', '--trend'], fleet)).stdout;
    expect(text).toMatch(
      /Over the last 168 h:\nZONE .*\na +growing +22\.9 MiB\/day +49\d\.\d .*18\.\d \(18\.\d - 18\.\d\)/,
    );
  });

  test('without history it says so', async () => {
    const fleet = memoryFleet();
    beat(fleet, 0.5);
    const { trends } = await json(['capacity', '--trend'], fleet);
    expect(trends[1]).toEqual({ zone: 'b', trend: null, tomorrow: null, daysToFull: null });
    expect((await ballast(['capacity', '--trend'], memoryFleet({}))).stdout).toMatch(/^No nodes\./);
  });
});

describe('a policy', () => {
  test('comes from a file, beside what is typed', async () => {
    const fleet = memoryFleet();
    const types = [{ type: 'x', capacityBytes: 5, dollarsPerHour: 0.5 }];
    const file = join(
      scratch({
        'p.json': JSON.stringify({ nodeTypes: types, fillHigh: 0.82, redundancy: 'erasure:4+2' }),
      }),
      'p.json',
    );
    const { policy, set } = await json(['policy', 'set', 'fillLow=0.2', '--file', file], fleet);
    expect(policy).toMatchObject({ nodeTypes: types, fillHigh: 0.82, fillLow: 0.2 });
    expect(policy.redundancy).toEqual({ kind: 'erasure', data: 4, parity: 2 });
    expect(set).toEqual(['nodeTypes', 'fillHigh', 'redundancy', 'fillLow']);
    expect((await ballast(['policy', 'get'], fleet)).stdout).toMatch(/nodeTypes +\[\{"type":"x"/);
  });

  test.each<[what: string, text: string, sentence: RegExp]>([
    ['is not JSON', '{', /p\.json is not JSON/],
    ['is a list', '[]', /p\.json holds no JSON object/],
    ['names what there is not', '{"speed":1}', /The policy has no speed/],
  ])('file that %s is refused in one sentence', async (_what, text, sentence) => {
    const file = join(scratch({ 'p.json': text }), 'p.json');
    for (const argv of [
      ['policy', 'set', '--file', file],
      ['policy', 'replay', '--generate', 'month', '--policy', file],
    ]) {
      const ran = await ballast(argv);
      expect([ran.exitCode, ran.opened, ran.stderr]).toEqual([
        2,
        0,
        expect.stringMatching(sentence),
      ]);
    }
  });
});

describe('a replay', () => {
  test('of the recorded history, and of its export, is the same', async () => {
    const fleet = memoryFleet({}, { nodeCapacityBytes: 1e9 });
    remember(fleet, 48, 0.79);
    const recorded = await json(['policy', 'replay'], fleet);
    expect(recorded).toMatchObject({ zones: ['a', 'b', 'c'], policy: { scaleIns: 0, flaps: 0 } });
    expect(recorded.policy.nodeHours).toBeCloseTo(6 * 47, 0);
    expect(recorded.reference.nodeHours).toBeCloseTo(6 * 47, 0);
    const { stdout } = await ballast(['policy', 'export-history'], fleet);
    expect(stdout.split('\n').length).toBe(48 + 2);
    const file = join(scratch(), 'h.ndjson');
    writeFileSync(file, stdout);
    expect(await json(['policy', 'replay', '--history', file], undefined)).toEqual(recorded);
  });

  test('takes a changed policy', async () => {
    const fleet = memoryFleet({}, { nodeCapacityBytes: 1e9 });
    remember(fleet, 30, 0.79);
    const file = join(
      scratch({ 'p.json': '{"fillTarget":0.35,"fillHigh":0.38,"fillSpare":0.36}' }),
      'p.json',
    );
    const { policy } = await json(['policy', 'replay', '--policy', file], fleet);
    expect(policy.nodeHours).toBeGreaterThan(8 * 29);
    const text = (await ballast(['policy', 'replay'], fleet)).stdout;
    expect(text).toMatch(/THIS POLICY +REFERENCE\nscale-outs/);
  });

  test.each<[what: string, text: string, sentence: RegExp]>([
    ['has no header', '{"at":1}\n', /line 1: history is missing, expected 1/],
    ['has a broken line', '{"history":1}\n{', /line 2: not valid JSON/],
    ['lacks a field', '{"history":1}\n{"at":1}\n', /line 2: zones: /],
    [
      'has one look',
      '{"history":1}\n{"at":1,"zones":[],"decision":"hold","reasons":[],"job":""}',
      /1 records follow/,
    ],
  ])('of a file that %s is refused in one sentence', async (_what, text, sentence) => {
    const file = join(scratch({ 'h.ndjson': text }), 'h.ndjson');
    const ran = await ballast(['policy', 'replay', '--history', file]);
    expect([ran.exitCode, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toMatch(sentence);
    expect(ran.stderr.trimEnd()).not.toContain('\n');
  });
});
