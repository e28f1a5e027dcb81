import { expect, test } from 'vitest';
import { policyKey, scalingKey } from '../../lib/contract/keys.ts';
import { autoscale } from '../../lib/control/autoscale.ts';
import { finish } from '../../lib/control/finish.ts';
import { readFleet } from '../../lib/control/fleet.ts';
import { cancelJob } from '../../lib/control/jobs.ts';
import { join } from '../../lib/control/join.ts';
import { launch } from '../../lib/control/launch.ts';
import { effectivePolicy, policyReader, withPolicy } from '../../lib/control/policy.ts';
import { startScaleOut } from '../../lib/control/start-job.ts';
import { chunkIdOf, storeChunk } from '../../lib/control/store.ts';
import { watch } from '../../lib/control/watch.ts';
import { type JobId, jobId } from '../../lib/core/ids.ts';
import { contentOf, jobOf, putFiles, runJob } from './acts.ts';
import { hashOf, pairs, World } from './world.ts';

const policy = {
  fillHighForMs: 0,
  fillLowForMs: 0,
  graceMs: 0,
  parkingMs: 1_000,
  joinLimitMs: 600_000,
};
const low = { ...policy, nodesMin: 3, cooldownInMs: 60_000 };

function fillAll(world: World, usedBytes: number): void {
  for (const node of world.nodes.keys()) world.beat(node, { usedBytes });
}

const jobs = ({ store }: World) => store.all('placement', 'J');

async function grown(
  world: World,
  zones: Readonly<Record<string, number>> = { a: 1, b: 1 },
): Promise<JobId> {
  const started = await startScaleOut(world.ports, zones, ['asked']);
  if (started.kind === 'blocked') throw new Error('blocked');
  return started.job;
}

test.each([
  ['metadata', 'data'],
  ['data', 'metadata'],
] as const)('a launch of %s nodes brings nodes that take no %s', async (nodeClass, kind) => {
  const world = new World({ nodes: pairs, policy });
  const started = await startScaleOut(world.ports, { a: 1 }, ['asked'], nodeClass);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  const [node] = jobOf(world, started.job).nodes;
  expect(world.record(node!)).toMatchObject({ class: nodeClass, state: 'active' });
  const fleet = await readFleet(world.ports.tables);
  for (const [other, expected] of [
    [kind, false],
    [nodeClass, true],
  ] as const) {
    const taken = [];
    for (let i = 0; i < 20; i++) {
      const bytes = Uint8Array.of(i);
      const id = chunkIdOf(other, i);
      const chunk = { chunk: id, bytes, sha256: hashOf(bytes), kind: other };
      taken.push((await storeChunk(world.ports, fleet, chunk, id)).holders);
    }
    expect(taken.flat().some(({ id }) => id === node)).toBe(expected);
  }
});

test('zones whose names end alike get nodes of their own', async () => {
  const zones = { 'us-west-2a': 1, 'us-west-2-lax-1a': 1, 'us-west-2b': 1 };
  const nodes = { a1: 'us-west-2a', b1: 'us-west-2b', c1: 'us-west-2-lax-1a' };
  const world = new World({ nodes, policy });
  const job = await grown(world, zones);
  await launch(world.ports, job);
  const launched = jobOf(world, job).nodes.map((node) => world.record(node)?.zone);
  expect(launched.toSorted()).toEqual(Object.keys(zones).toSorted());
});

test('a full fleet grows, joins and is levelled', async () => {
  const world = new World({ policy });
  await putFiles(world, 20);
  fillAll(world, 9_000);
  const report = await autoscale(world.ports, 'FillHigh');
  expect(report).toMatchObject({
    decision: 'scale-out',
    reasons: expect.arrayContaining(['called by FillHigh']),
  });
  expect(world.started).toEqual([['scale-out', report.job]]);
  fillAll(world, 100);
  expect(await runJob(world, jobId(report.job))).toBe('done');
  const { nodes } = jobOf(world, report.job);
  expect(nodes).toHaveLength(3);
  for (const node of nodes) {
    expect(world.state(node)).toBe('active');
    expect(world.node(node).chunks.length).toBeGreaterThan(5);
  }
  expect(world.problems()).toEqual([]);
});

test('alarms that call at once make one decision', async () => {
  const world = new World({ policy });
  fillAll(world, 9_000);
  const reports = await Promise.all([autoscale(world.ports, 'one'), autoscale(world.ports, 'two')]);
  expect(reports.filter(({ job }) => job !== '')).toHaveLength(1);
  expect(jobs(world)).toHaveLength(1);
});

test('a scale-out that has launched nothing yet counts, whatever the cooldown', async () => {
  const world = new World({ policy: { ...policy, cooldownOutMs: 0 } });
  fillAll(world, 9_000);
  const first = await autoscale(world.ports, 'FillHigh');
  world.pass(10);
  fillAll(world, 9_000);
  expect(await autoscale(world.ports, 'tick')).toMatchObject({ decision: 'hold', job: '' });
  await launch(world.ports, jobId(first.job));
  expect(await autoscale(world.ports, 'tick')).toMatchObject({ decision: 'hold', job: '' });
});

test('an almost empty fleet gives one node back', async () => {
  const world = new World({ nodes: pairs, policy: { ...low, cooldownInMs: 0 } });
  await putFiles(world, 6);
  world.pass(1);
  const report = await autoscale(world.ports, 'FillLow');
  expect(report.decision).toBe('scale-in');
  expect(await runJob(world, jobId(report.job))).toBe('done');
  expect([...world.nodes.keys()].filter((node) => world.state(node) === 'gone')).toHaveLength(1);
  expect(await contentOf(world, 'f3')).toBe('content of 3');
  expect(world.problems()).toEqual([]);
});

test('a shrinking that the placement refuses is not tried again before its cooldown', async () => {
  const world = new World({ nodes: pairs, policy: { ...low, fillHard: 0.2905 } });
  await putFiles(world, 6);
  world.pass(low.cooldownInMs);
  // By the numbers one may go; but what its zone's other node holds leaves no room.
  for (const node of world.nodes.keys()) world.beat(node, { usedBytes: 2_900 });
  const first = await autoscale(world.ports, 'tick');
  expect(first.decision).toBe('hold');
  expect(world.store.get(scalingKey)).toMatchObject({ lastTrialAt: world.nowMs });
  const read: string[] = [];
  world.beforeQuery = (pk) => void read.push(pk);
  world.nowMs += 30_000;
  const second = await autoscale(world.ports, 'tick');
  expect(second.reasons.join()).toMatch(/cool/i);
  expect(read.filter((pk) => pk.startsWith('N#'))).toEqual([]);
  world.nowMs += 30_000;
  await autoscale(world.ports, 'tick');
  expect(read.filter((pk) => pk.startsWith('N#')).length).toBeGreaterThan(0);
});

test('autoscaling that is switched off holds', async () => {
  const world = new World({ policy: { ...policy, autoscaling: false } });
  fillAll(world, 9_900);
  expect(await autoscale(world.ports, 'FillHigh')).toMatchObject({ decision: 'hold', job: '' });
  expect(jobs(world)).toEqual([]);
});

test('a zone without capacity is left out, the others join', async () => {
  const world = new World({ policy });
  world.refusedZones.add('a');
  const job = await grown(world);
  expect(await runJob(world, job)).toBe('done');
  const states = jobOf(world, job).nodes.map((node) => world.state(node));
  expect(states.sort()).toEqual(['active', 'gone']);
});

test('a scale-out that gets nothing at all fails', async () => {
  const world = new World({ policy });
  world.refusedZones.add('a').add('b');
  const job = await grown(world);
  expect(await runJob(world, job)).toBe('failed');
  expect(world.machines).toHaveLength(3);
});

test('launched twice, each machine runs once', async () => {
  const world = new World({ policy });
  const job = await grown(world);
  await Promise.all([launch(world.ports, job), launch(world.ports, job)]);
  await launch(world.ports, job);
  expect(world.machines.filter(({ state }) => state === 'pending')).toHaveLength(2);
});

test('a launch that finds its job cancelled asks for no machine', async () => {
  const world = new World({ policy });
  const job = await grown(world);
  let writes = 0;
  world.beforeWrite = async () => {
    if (++writes !== 2) return;
    world.beforeWrite = () => {};
    await cancelJob(world.ports, job);
  };
  expect(await launch(world.ports, job)).toMatchObject({ verdict: 'cancelled' });
  expect(world.machines).toHaveLength(3);
  await finish(world.ports, { job, outcome: 'cancelled' });
  expect(jobOf(world, job).state).toBe('cancelled');
  for (const { sk, state } of world.store.all('placement', 'F'))
    if (sk.startsWith('N#n-')) expect(state).toBe('gone');
});

test('a node that never joins is ended, and the job fails', async () => {
  const world = new World({ policy });
  const job = await grown(world, { a: 1 });
  await launch(world.ports, job);
  expect(await join(world.ports, job)).toMatchObject({ verdict: 'waiting' });
  world.pass(policy.joinLimitMs + 1);
  expect(await join(world.ports, job)).toMatchObject({ verdict: 'failed' });
  const [node] = jobOf(world, job).nodes;
  expect(world.logged).toContain('never-joined');
  await finish(world.ports, { job, outcome: 'failed' });
  world.shutDown();
  await watch(world.ports);
  expect(world.state(node!)).toBe('gone');
  expect(world.machines.at(-1)?.state).toBe('terminated');
});

test.each([
  [
    'does not answer',
    (world: World, node: string) => {
      world.node(node).isUp = false;
    },
  ],
  [
    'has a suspect disk',
    (world: World, node: string) => {
      world.node(node).isSuspect = true;
    },
  ],
  [
    'has no room',
    (world: World, node: string) => {
      world.node(node).capacity = 0;
    },
  ],
  [
    'has another disk than it registered',
    (world: World, node: string) => {
      world.node(node).incarnation = 'x';
    },
  ],
])('a node that %s does not become active', async (_what, spoil) => {
  const world = new World({ policy });
  const job = await grown(world, { a: 1 });
  await launch(world.ports, job);
  world.boot();
  const [node] = jobOf(world, job).nodes;
  await join(world.ports, job);
  expect(world.state(node!)).toBe('joining');
  spoil(world, node!);
  expect(await join(world.ports, job)).toMatchObject({ verdict: 'waiting' });
  expect(world.state(node!)).toBe('joining');
});

test('a machine without a heartbeat, or that is not running, is waited for', async () => {
  const world = new World({ policy });
  const job = await grown(world, { a: 1 });
  await launch(world.ports, job);
  const at = world.machines.length - 1;
  const machine = world.machines[at]!;
  world.machines[at] = { ...machine, state: 'running', address: 'x:7070' };
  expect(await join(world.ports, job)).toMatchObject({ verdict: 'waiting' });
  expect(world.state(machine.node)).toBe('launched');
});

test('a cancelled scale-out ends what it launched and keeps what joined', async () => {
  const world = new World({ policy });
  const job = await grown(world);
  await launch(world.ports, job);
  const [first, second] = jobOf(world, job).nodes;
  const at = world.machines.findIndex(({ node }) => node === second);
  const kept = world.machines.splice(at, 1)[0]!;
  world.boot();
  world.machines.push(kept);
  await join(world.ports, job);
  await join(world.ports, job);
  await cancelJob(world.ports, job);
  expect(await join(world.ports, job)).toMatchObject({ verdict: 'cancelled' });
  expect(await launch(world.ports, job)).toMatchObject({ verdict: 'cancelled' });
  await finish(world.ports, { job, outcome: 'cancelled' });
  world.shutDown();
  await watch(world.ports);
  expect([world.state(first!), world.state(second!)]).toEqual(['active', 'gone']);
});

test('what operators set wins over the deployment, within seconds', async () => {
  const world = new World({ policy });
  const current = policyReader(world.ports);
  expect((await current()).policy).toEqual(world.ports.policy);
  world.store.write([
    { op: 'put', key: policyKey, fields: { fillHigh: 0.5, autoscaling: false, lastOp: 'x' } },
  ]);
  expect((await withPolicy(world.ports)).policy).toEqual({
    ...world.ports.policy,
    fillHigh: 0.5,
    autoscaling: false,
  });
  world.reads = 0;
  expect((await current()).policy.fillHigh).toBe(0.8);
  expect(world.reads).toBe(0);
  world.nowMs += 5_000;
  expect((await current()).policy.fillHigh).toBe(0.5);
  fillAll(world, 9_900);
  expect(await autoscale(await current(), 'FillHigh')).toMatchObject({ decision: 'hold' });
});

test('a policy item that makes no policy is ignored and said', async () => {
  const world = new World({ policy });
  world.store.write([{ op: 'put', key: policyKey, fields: { fillHigh: 7, nodesMax: 5 } }]);
  expect(await effectivePolicy(world.ports)).toEqual(world.ports.policy);
  expect(world.logged).toEqual(['policy-ignored']);
});
