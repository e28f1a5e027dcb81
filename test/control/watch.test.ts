import { expect, test } from 'vitest';
import { jobPartition, nodeKey, nodeOfInventory } from '../../lib/contract/keys.ts';
import { finish } from '../../lib/control/finish.ts';
import { cancelJob, listFlights } from '../../lib/control/jobs.ts';
import { launch } from '../../lib/control/launch.ts';
import { movesPerBatch, orphanAgeMs } from '../../lib/control/limits.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { startDrain, startRepair, startScaleOut } from '../../lib/control/start-job.ts';
import { watch } from '../../lib/control/watch.ts';
import { jobId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, jobOf, placeFile, putFile, putFiles, runJob, work } from './acts.ts';
import { pairs, World, type WorldOptions } from './world.ts';

const policy = { autoscaling: false, graceMs: 0, parkingMs: 1_000 };
const worldOf = (changes = {}, nodes: WorldOptions['nodes'] = pairs) =>
  new World({ nodes, policy: { ...policy, ...changes } });
const repairsOf = ({ started }: World) => started.filter(([workflow]) => workflow === 'repair');

/** Ticks each minute, as the schedule does. */
async function minutes(world: World, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    world.pass(60_000);
    await watch(world.ports);
  }
}

test('a node whose heartbeat stands still for too long is dead, repaired and gone', async () => {
  const world = worldOf();
  await putFiles(world, 12);
  await watch(world.ports);
  world.node('b1').isUp = false;
  await minutes(world, 3);
  expect(world.state('b1')).toBe('active');
  await minutes(world, 2);
  expect(world.state('b1')).toBe('dead');
  const repair = jobId(repairsOf(world)[0]![1]);
  expect(jobOf(world, repair)).toMatchObject({ nodes: ['b1'], reasons: ['b1 died'] });
  await minutes(world, 2);
  expect(new Set(repairsOf(world).map(([, job]) => job)).size).toBe(1);
  await runJob(world, repair);
  expect(world.state('b1')).toBe('terminating');
  world.shutDown();
  await watch(world.ports);
  expect(world.state('b1')).toBe('gone');
  expect(world.problems()).toEqual([]);
  for (let i = 0; i < 12; i++) expect(await contentOf(world, `f${i}`)).toBe(`content of ${i}`);
});

test('a dead node that comes back beating stays dead', async () => {
  const world = worldOf();
  await putFiles(world, 4);
  await watch(world.ports);
  world.node('b1').isUp = false;
  await minutes(world, 5);
  world.node('b1').isUp = true;
  await minutes(world, 5);
  expect(world.state('b1')).toBe('dead');
});

test('of the smallest fleet a node that dies is replaced, and the repair that waits for it ends', async () => {
  const world = worldOf({ autoscaling: true }, { a1: 'a', b1: 'b', c1: 'c' });
  await putFiles(world, 6);
  await watch(world.ports);
  world.lose('b1');
  await minutes(world, 1);
  const [, repair] = repairsOf(world)[0]!;
  expect(await planJob(world.ports, jobId(repair))).toMatchObject({ verdict: 'blocked' });
  const launches = () => world.started.filter(([workflow]) => workflow === 'scale-out');
  await minutes(world, 2);
  const [, launch] = launches()[0]!;
  expect(jobOf(world, launch)).toMatchObject({
    launch: { b: 1 },
    reasons: ['called by tick', '1 node is lost and 2 are left, at least 3 must be there'],
  });
  expect(await runJob(world, jobId(launch))).toBe('done');
  expect(await runJob(world, jobId(repair))).toBe('done');
  await minutes(world, 2);
  expect(world.state('b1')).toBe('gone');
  expect(new Set(launches().map(([, job]) => job)).size).toBe(1);
  expect(world.problems()).toEqual([]);
});

test('a node whose heartbeats cannot be read is silent, and keeps nobody from being looked at', async () => {
  const world = worldOf();
  await putFiles(world, 6);
  for (let minute = 0; minute < 5; minute++) {
    world.pass(60_000);
    world.beat('b1', { usedBytes: 'much' });
    await watch(world.ports);
  }
  expect(world.state('b1')).toBe('dead');
  expect(await runJob(world, jobId(repairsOf(world)[0]![1]))).toBe('done');
  expect(world.problems()).toEqual([]);
});

test('an empty dead node that EC2 has ended leaves in one step', async () => {
  const world = worldOf();
  world.lose('b1');
  await watch(world.ports);
  expect(world.state('b1')).toBe('gone');
  expect(repairsOf(world)).toEqual([]);
});

test("another disk under a node's name is the loss of what it held", async () => {
  const world = worldOf();
  await putFiles(world, 6);
  world.node('c2').incarnation = 'another';
  world.node('c2').shelves.clear();
  world.beat('c2');
  await watch(world.ports);
  expect(world.state('c2')).toBe('dead');
  await runJob(world, jobId(repairsOf(world)[0]![1]));
  expect(world.problems()).toEqual([]);
});

test('when most nodes fall silent together, none of them is called dead', async () => {
  const world = worldOf();
  await putFiles(world, 6);
  await watch(world.ports);
  for (const node of world.nodes.values()) node.isUp = false;
  await minutes(world, 30);
  for (const node of Object.keys(pairs)) expect(world.state(node)).toBe('active');
  for (const node of world.nodes.values()) node.isUp = node.id !== 'a1' && node.id !== 'a2';
  await minutes(world, 5);
  expect([world.state('a1'), world.state('a2'), world.state('b1')]).toEqual([
    'dead',
    'dead',
    'active',
  ]);
});

test('a watch that stalls does not take its own delay for the silence of nodes', async () => {
  const world = worldOf({ unhealthyShareMax: 1 });
  await watch(world.ports);
  let stalls = 0;
  world.beforeQuery = (pk) => {
    if (pk === jobPartition && stalls++ === 0) world.nowMs += 3_600_000;
  };
  await watch(world.ports);
  world.pass(1);
  world.beforeWrite = () => {
    world.nowMs += 300_000;
  };
  await watch(world.ports);
  for (const node of Object.keys(pairs)) expect(world.state(node)).toBe('active');
});

test('a dead node is repaired at once, though a scale-out that brought it still runs', async () => {
  const world = worldOf();
  await putFiles(world, 12);
  const started = await startScaleOut(world.ports, { a: 1 }, ['asked']);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  const [node] = jobOf(world, started.job).nodes;
  await putFiles(world, 12);
  expect(world.node(node!).chunks.length).toBeGreaterThan(0);
  world.lose(node!);
  await watch(world.ports);
  expect(repairsOf(world)).toHaveLength(1);
  await runJob(world, jobId(repairsOf(world)[0]![1]));
  expect(world.state(node!)).toBe('gone');
  expect(world.problems()).toEqual([]);
});

test('of a drain whose node dies nothing more is sent: the repair has what waited', async () => {
  const world = worldOf({ nodeBatchesMax: 1 });
  await putFiles(world, 2.5 * movesPerBatch); // each zone's two nodes share them
  const started = await startDrain(world.ports, [nodeId('a1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'pace' });
  await pace(world.ports);
  const { movesPlanned } = jobOf(world, started.job);
  const flying = await listFlights(world.ports.tables);
  const sent = flying.reduce((sum, { moves }) => sum + moves, 0);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(movesPlanned);
  world.lose('a1');
  await watch(world.ports);
  await work(world);
  const repair = jobId(repairsOf(world)[0]![1]);
  await runJob(world, repair);
  await runJob(world, started.job);
  expect(jobOf(world, started.job)).toMatchObject({ movesDone: sent, movesPlanned: sent });
  expect(jobOf(world, repair).movesDone).toBe(movesPlanned - sent);
  expect(world.problems()).toEqual([]);
});

test('a repair that cannot rebuild a chunk waits and says so; others go on', async () => {
  const world = worldOf();
  await putFiles(world, 6);
  const lost = Object.keys(pairs).filter((node) => node.endsWith('1'));
  for (const node of lost) {
    const key = nodeKey(nodeId(node));
    world.store.write([{ op: 'update', key, set: { state: 'dead' } }]);
  }
  const started = await startRepair(world.ports, lost.map(nodeId), ['died']);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'prove' }).catch(() => {});
  const unreadable = Array.from({ length: 6 }, (_, i) => i).filter((i) =>
    chunkOf(world, `f${i}`).every((holder) => lost.includes(holder)),
  );
  expect(jobOf(world, started.job).phase).toBe(unreadable.length > 0 ? 'blocked' : 'done');
  expect(world.problems()).toEqual([]);
});

const chunkOf = (world: World, path: string): readonly string[] => {
  const file = [...world.store.items('files')].find(({ sk }) => sk === path)!;
  const [chunk] = file.chunks as { id: string }[];
  return world.placement(chunk!.id)!.holders;
};

test('jobs without an execution get one, at each look', async () => {
  const world = worldOf();
  await putFiles(world, 4);
  const started = await startDrain(world.ports, [nodeId('a1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  world.started.splice(0);
  await minutes(world, 2);
  expect(world.started).toEqual([
    ['drain', started.job],
    ['drain', started.job],
  ]);
});

test('nodes that an ended job left draining take copies again', async () => {
  const world = worldOf();
  await putFiles(world, 4);
  const started = await startDrain(world.ports, [nodeId('a1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await cancelJob(world.ports, started.job);
  await watch(world.ports);
  expect(world.state('a1')).toBe('active');
});

test('a drain that began after the jobs were read keeps its nodes', async () => {
  const world = worldOf();
  await putFiles(world, 4);
  let begun: string | undefined;
  world.beforeQuery = async (pk) => {
    if (pk !== 'F' || begun !== undefined) return;
    begun = '';
    const started = await startDrain(world.ports, [nodeId('a1')], []);
    if (started.kind === 'blocked') throw new Error('blocked');
    await runJob(world, started.job, { until: 'plan' });
    begun = started.job;
  };
  await watch(world.ports);
  expect(begun).toBeTruthy();
  expect(world.record('a1')).toMatchObject({ state: 'draining', job: begun });
});

test('a machine that was launched for a node that is gone is ended', async () => {
  const world = worldOf();
  const started = await startScaleOut(world.ports, { a: 1 }, []);
  if (started.kind === 'blocked') throw new Error('blocked');
  world.isListOld = true;
  await launch(world.ports, started.job);
  const node = world.machines.at(-1)!.node;
  world.store.write([
    { op: 'update', key: nodeKey(node), set: { state: 'launched', instance: '' } },
  ]);
  await cancelJob(world.ports, started.job);
  await finish(world.ports, { job: started.job, outcome: 'cancelled' });
  expect(world.state(node)).toBe('gone');
  world.isListOld = false;
  world.boot();
  await watch(world.ports);
  expect(world.machines.find((machine) => machine.node === node)?.state).toBe('stopping');
  for (const name of Object.keys(pairs)) {
    expect(world.machines.find((machine) => machine.node === name)?.state).toBe('running');
  }
});

test('orphans go in the end, a node an hour', async () => {
  const world = worldOf();
  await placeFile(world, 'f', ['x', 'y']);
  world.pass(orphanAgeMs);
  await minutes(world, 6 * 60);
  expect(world.orphans()).toEqual([]);
});

test('a quiet look reads no inventory and few items', async () => {
  const world = worldOf({ autoscaling: true });
  await putFiles(world, 40);
  for (const node of Object.keys(pairs)) world.beat(node, { usedBytes: 5_000 });
  await watch(world.ports);
  world.pass(60_000);
  for (const node of Object.keys(pairs)) world.beat(node, { usedBytes: 5_000 });
  const partitions: string[] = [];
  world.beforeQuery = (pk) => void partitions.push(pk);
  world.reads = 0;
  await watch(world.ports);
  expect(partitions.filter((pk) => nodeOfInventory(pk) !== undefined)).toEqual([]);
  expect(world.reads).toBeLessThan(20);
});

test('a look at no fleet at all changes nothing', async () => {
  const world = new World({ nodes: {}, policy });
  await watch(world.ports);
  await putFile(world, 'f', 'x').catch(() => {});
  expect(world.started).toEqual([]);
});
