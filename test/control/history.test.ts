import { expect, test } from 'vitest';
import { historyKey, scalingKey } from '../../lib/contract/keys.ts';
import type { HistoryRecord } from '../../lib/contract/records.ts';
import { autoscale } from '../../lib/control/autoscale.ts';
import { historyOp, readHistory } from '../../lib/control/history.ts';
import { launch } from '../../lib/control/launch.ts';
import { historySeconds } from '../../lib/control/limits.ts';
import { jobId } from '../../lib/core/ids.ts';
import { jobOf, putFiles } from './acts.ts';
import { pairs, World } from './world.ts';

const hourMs = 3_600_000;
const policy = { fillHighForMs: 0, fillLowForMs: 0, cooldownInMs: 0, fillHard: 1, nodesMin: 3 };
const rows = (world: World) => readHistory(world.ports.tables, 0, world.nowMs);

function fillAll(world: World, usedBytes: number): void {
  for (const node of world.nodes.keys()) world.beat(node, { usedBytes });
}

/** Hourly looks of the days before now; each zone has two nodes of 10,000 bytes. */
async function remember(world: World, hours: number, used: (hour: number) => number) {
  for (let back = hours; back > 0; back--) {
    const at = world.nowMs - back * hourMs;
    const zones = ['a', 'b', 'c'].map((zone) => ({
      ...{ zone, usedBytes: used(hours - back), capacityBytes: 20_000, nodes: 2 },
      ...{ advice: 'keep' as const, adviceNodes: 0 },
    }));
    const record: HistoryRecord = { at, zones, decision: 'hold', reasons: [], job: '' };
    await world.ports.tables.write([historyOp(record)]);
  }
}

test('what zones hold is recorded every ten minutes, with advice and decision, for two months', async () => {
  const world = new World({ nodes: pairs, policy: { ...policy, autoscaling: true } });
  fillAll(world, 6_500);
  for (let minute = 0; minute < 60; minute++) {
    await autoscale(world.ports, 'tick');
    world.nowMs += 60_000;
    fillAll(world, 6_500);
  }
  const history = await rows(world);
  expect(history).toHaveLength(6);
  expect(history[0]).toMatchObject({ decision: 'hold', job: '' });
  expect(history[0]?.zones[1]).toEqual({
    ...{ zone: 'b', usedBytes: 13_000, capacityBytes: 20_000, nodes: 2 },
    ...{ advice: 'keep', adviceNodes: 0 },
  });
  const item = world.store.get(historyKey(history[0]!.at));
  expect(item?.expiresAt).toBe(Math.floor(history[0]!.at / 1000) + historySeconds);
});

test('a plan that changes the fleet is recorded at once, with its job', async () => {
  const world = new World({ nodes: pairs, policy });
  fillAll(world, 6_500);
  await autoscale(world.ports, 'tick');
  world.nowMs += 60_000;
  fillAll(world, 9_000);
  const { job } = await autoscale(world.ports, 'FillHigh');
  expect((await rows(world)).map((row) => [row.decision, row.job])).toEqual([
    ['hold', ''],
    ['scale-out', job],
  ]);
  const advice = (await rows(world))[1]!.zones.map(({ advice: said, adviceNodes }) => [
    said,
    adviceNodes,
  ]);
  expect(advice).toEqual([
    ['add', 1],
    ['add', 1],
    ['add', 1],
  ]);
});

test('alarms that call at once record one look', async () => {
  const world = new World({ nodes: pairs, policy });
  fillAll(world, 6_500);
  await Promise.all([autoscale(world.ports, 'one'), autoscale(world.ports, 'two')]);
  expect(await rows(world)).toHaveLength(1);
});

test('no history is kept where none is wanted', async () => {
  const world = new World({ nodes: pairs, policy: { ...policy, historyEveryMs: 0 } });
  fillAll(world, 9_000);
  expect((await autoscale(world.ports, 'tick')).decision).toBe('scale-out');
  expect(await rows(world)).toEqual([]);
});

test('the history is read when it is written to, not every minute', async () => {
  const world = new World({ nodes: pairs, policy });
  fillAll(world, 6_500);
  await autoscale(world.ports, 'tick');
  const read: string[] = [];
  world.beforeQuery = (pk) => void read.push(pk);
  world.nowMs += 60_000;
  fillAll(world, 6_500);
  await autoscale(world.ports, 'tick');
  expect(read.filter((pk) => pk.startsWith('H#'))).toEqual([]);
  world.nowMs += 600_000;
  await autoscale(world.ports, 'tick');
  const ofHistory = read.filter((pk) => pk.startsWith('H#'));
  expect(new Set(ofHistory).size).toBe(ofHistory.length);
  expect(ofHistory.length).toBeLessThanOrEqual(3);
});

test('a mark that is passed for a moment changes nothing, one that stays does', async () => {
  const world = new World({ nodes: pairs, policy: { ...policy, fillHighForMs: 120_000 } });
  const look = async (usedBytes: number) => {
    world.nowMs += 60_000;
    fillAll(world, usedBytes);
    return (await autoscale(world.ports, 'tick')).decision;
  };
  expect([await look(8_200), await look(8_200), await look(7_900)]).toEqual([
    'hold',
    'hold',
    'hold',
  ]);
  expect(world.store.get(scalingKey)).toMatchObject({ highSince: 0 });
  expect([await look(8_200), await look(8_200), await look(8_200)]).toEqual([
    'hold',
    'hold',
    'scale-out',
  ]);
});

test('by its forecast a fleet shrinks long before the low mark', async () => {
  const world = new World({ nodes: pairs, policy: { ...policy, fillSpare: 0.75 } });
  await putFiles(world, 6);
  await remember(world, 72, () => 7_000);
  world.pass(hourMs);
  fillAll(world, 3_500);
  const { decision, reasons } = await autoscale(world.ports, 'tick');
  expect(reasons.join()).toMatch(/35\.0 % full and stays below 75\.0 % with a node less/);
  expect(decision).toBe('scale-in');
});

test.each<[what: string, used: (hour: number) => number, reason: RegExp]>([
  [
    'needs the node each day',
    (hour) => (hour % 24 === 12 ? 16_000 : 7_000),
    /is expected at 160\.0 %/,
  ],
  [
    'grows so that it would need it tomorrow',
    (hour) => 2_000 + 85 * hour,
    /is expected at 100\.8 %/,
  ],
])(
  'even below the low mark it does not, where the history says that it %s',
  async (_what, used, reason) => {
    const world = new World({ nodes: pairs, policy: { ...policy, fillLow: 0.36 } });
    await putFiles(world, 6);
    await remember(world, 72, used);
    fillAll(world, 3_500);
    await autoscale(world.ports, 'tick');
    world.nowMs += 60_000;
    fillAll(world, 3_500);
    const { decision, reasons } = await autoscale(world.ports, 'FillLow');
    expect(decision).toBe('hold');
    expect(reasons.join()).toMatch(reason);
  },
);

test('it grows before the high mark when the history says that it will be passed', async () => {
  const world = new World({ nodes: pairs, policy });
  world.nowMs = Date.UTC(2026, 0, 4, 11, 40);
  await remember(world, 72, (hour) => (hour % 24 === 1 ? 17_000 : 14_500));
  fillAll(world, 7_300);
  const { decision, reasons } = await autoscale(world.ports, 'tick');
  expect(reasons.join()).toMatch(
    /is 73\.0 % full and expected at 8\d\.\d % within 3600 s, above 80\.0 %/,
  );
  expect(decision).toBe('scale-out');
});

test('the chosen type is in the job, and its nodes are enrolled with its size', async () => {
  const nodeTypes = [
    { type: 'large', capacityBytes: 40_000, dollarsPerHour: 3 },
    { type: 'small', capacityBytes: 5_000, dollarsPerHour: 1 },
  ];
  const world = new World({ nodes: pairs, policy: { ...policy, nodesStepMax: 9, nodeTypes } });
  fillAll(world, 9_000);
  const { job } = await autoscale(world.ports, 'FillHigh');
  expect(jobOf(world, job)).toMatchObject({ launchType: 'small' });
  world.nowMs += 10;
  expect((await autoscale(world.ports, 'tick')).decision).toBe('hold');
  const asked: unknown[] = [];
  const { machines } = world.ports;
  const spied: typeof machines.launch = (node, zone, token, type) => {
    asked.push(type);
    return machines.launch(node, zone, token, type);
  };
  const ports = { ...world.ports, machines: { ...machines, launch: spied } };
  await launch(ports, jobId(job));
  expect(asked[0]).toEqual({ type: 'small', capacityBytes: 5_000 });
  const { nodes } = jobOf(world, job);
  expect(nodes.length).toBeGreaterThan(0);
  for (const node of nodes) expect(world.record(node)).toMatchObject({ capacity: 5_000 });
});
