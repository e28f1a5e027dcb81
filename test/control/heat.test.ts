import { describe, expect, test } from 'vitest';
import { JobRecord, MovesRecord, PendingRecord } from '../../lib/contract/job-records.ts';
import { batchPartition, jobKey, movesKey, pendingPrefixOf } from '../../lib/contract/keys.ts';
import { readFleet } from '../../lib/control/fleet.ts';
import { readHeat } from '../../lib/control/heat.ts';
import { heatAsksMax, heatMsMax, heatsMax } from '../../lib/control/limits.ts';
import { mapOf } from '../../lib/control/observe.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { NodeRefused, type Nodes } from '../../lib/control/ports.ts';
import { startDrain, startRebalance } from '../../lib/control/start-job.ts';
import { type BatchId, batchId, chunkId, type JobId, nodeId } from '../../lib/core/ids.ts';
import { heatOfChunk } from '../../lib/core/slot-heat.ts';
import { jobOf, putFiles, runJob, take } from './acts.ts';
import { fourTwo, loseAndRepair, putCoded, threeZones } from './coded.ts';
import { pairs, World, type WorldOptions } from './world.ts';

/** Two nodes of one zone with as many copies each; clients read those on `hot` alone. */
async function oneHot(policy: WorldOptions['policy'] = {}) {
  const world = new World({
    nodes: { a1: 'a', a2: 'a', b1: 'b', c1: 'c' },
    policy: { heatAware: true, autoscaling: false, ...policy },
  });
  await putFiles(world, 10);
  await levelled(world);
  const [hot, cold] = ['a1', 'a2'] as const;
  for (const chunk of namedOn(world, hot)) world.heats.set(chunk, 60);
  return { world, hot, cold };
}

async function levelled(world: World): Promise<JobId> {
  const started = await startRebalance(world.ports, ['asked']);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  expect(world.problems()).toEqual([]);
  world.pass(world.ports.policy.parkingMs);
  return started.job;
}

/** By the placement: parked copies are still on disks. */
const namedOn = (world: World, node: string): readonly string[] =>
  world.node(node).chunks.filter((chunk) => world.placement(chunk)?.holders.includes(nodeId(node)));
const namedHeat = (world: World, node: string): number =>
  namedOn(world, node).reduce((sum, chunk) => sum + (world.heats.get(chunk) ?? 0), 0);

describe('a rebalance that is aware of heat', () => {
  test('exchanges slots of a hot node for those of a cold one; their bytes stay', async () => {
    const { world, hot, cold } = await oneHot();
    const counts = [hot, cold].map((node) => namedOn(world, node).length);
    const before = namedHeat(world, hot);
    await levelled(world);
    expect(namedHeat(world, hot)).toBeLessThanOrEqual(before / 2 + 60);
    expect(namedHeat(world, cold)).toBeGreaterThanOrEqual(before / 2 - 60);
    expect([hot, cold].map((node) => namedOn(world, node).length)).toEqual(counts);
  });

  test('moves nothing where the policy is not, and asks no node', async () => {
    const { world } = await oneHot({ heatAware: false });
    world.beforeHeat = (node) => {
      throw new Error(`${node} was asked`);
    };
    expect(jobOf(world, await levelled(world)).movesDone).toBe(0);
  });

  test('learns from the other holders what a node that refuses does not tell', async () => {
    const { world, hot } = await oneHot();
    const before = namedHeat(world, hot);
    world.beforeHeat = (node) => {
      if (node === hot) throw new NodeRefused('forbidden', `${node} does not tell`);
    };
    await levelled(world);
    expect(world.logged.filter((event) => event === 'heat-unknown').length).toBeGreaterThan(0);
    expect(namedHeat(world, hot)).toBeLessThanOrEqual(before / 2 + 60);
  });

  test('is one that is not, while no node tells', async () => {
    const { world } = await oneHot();
    world.beforeHeat = (node) => {
      throw new NodeRefused('forbidden', `${node} does not tell`);
    };
    expect(jobOf(world, await levelled(world)).movesDone).toBe(0);
    expect(world.logged.filter((event) => event === 'heat-unknown')).toHaveLength(4);
  });
});

describe('what nodes tell', () => {
  test('is asked of many at a time, and all together is bounded', async () => {
    const asked: number[] = [];
    let open = 0;
    let openMost = 0;
    const heat: Nodes['heat'] = async (_node, limit) => {
      asked.push(limit);
      openMost = Math.max(openMost, ++open);
      await new Promise(setImmediate);
      open--;
      return [];
    };
    const nodes = threeZones(200);
    const world = new World({ nodes, wrap: (ports) => withHeat(ports, heat) });
    await readHeat(world.ports, await readFleet(world.ports.tables));
    expect(asked).toEqual(Array.from({ length: 200 }, () => heatsMax / 200));
    expect(openMost).toBe(heatAsksMax);
  });

  test('is waited for so long, and a plan goes on without the rest', async () => {
    const world = new World({ nodes: threeZones(200) });
    let asked = 0;
    world.beforeHeat = async () => {
      asked++;
      await new Promise(setImmediate);
      world.nowMs += heatMsMax / heatAsksMax;
    };
    await readHeat(world.ports, await readFleet(world.ports.tables));
    expect(asked).toBeGreaterThanOrEqual(heatAsksMax);
    expect(asked).toBeLessThanOrEqual(2 * heatAsksMax);
    expect(world.logged.filter((event) => event === 'heat-unknown')).toHaveLength(200 - asked);
  });

  test('of a coded chunk is one access for each of its data slots', async () => {
    const world = new World({ nodes: threeZones(9) });
    const [chunk] = await putCoded(world, fourTwo, [400]);
    const fleet = await readFleet(world.ports.tables);
    const holders = world.placement(chunk!)!.holders.map(nodeId);
    const map = await mapOf(world.ports, fleet, holders, new Map([[chunk!, 40]]));
    expect(heatOfChunk(map, chunk!)).toBe(10);
    expect(heatOfChunk(map, chunkId('another'))).toBe(0);
  });
});

const withHeat = (ports: World['ports'], heat: Nodes['heat']): World['ports'] => ({
  ...ports,
  nodes: { ...ports.nodes, heat },
});

/** A drain that is planned: its copies go to two nodes, in a batch each. */
async function twoBatches(policy: WorldOptions['policy']) {
  const world = new World({
    nodes: { ...pairs, a3: 'a' },
    policy: { graceMs: 0, autoscaling: false, fleetBatchesMax: 1, ...policy },
  });
  await putFiles(world, 30);
  const started = await startDrain(world.ports, [nodeId('a1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await planJob(world.ports, started.job);
  return { world, job: started.job };
}

function pendingOf({ store }: World, job: JobId) {
  const { attempt } = JobRecord.parse(store.get(jobKey(job)));
  return store.all('placement', batchPartition(job), pendingPrefixOf(attempt)).map((item) => {
    const id = batchId(item.sk.slice(2));
    return { heat: PendingRecord.parse(item).heat, chunks: chunksOf({ store }, job, id) };
  });
}

const chunksOf = ({ store }: Pick<World, 'store'>, job: JobId, batch: BatchId): string[] =>
  MovesRecord.parse(store.get(movesKey(job, batch))).moves.map(({ chunk }) => chunk);

const planAgain = async (world: World, job: JobId): Promise<void> => {
  world.store.write([{ op: 'update', key: jobKey(job), set: { attempt: '' } }]);
  await planJob(world.ports, job);
};

describe('batches that wait', () => {
  test('carry what all holders told of their chunks', async () => {
    const { world, job } = await twoBatches({ scheduling: 'importance' });
    expect(pendingOf(world, job).map(({ heat }) => heat)).toEqual([0, 0]);
    for (const [i, { chunks }] of pendingOf(world, job).entries())
      for (const chunk of chunks) world.heats.set(chunk, 2 + i);
    await planAgain(world, job);
    const [first, second] = pendingOf(world, job);
    expect([first!.heat, second!.heat]).toEqual([
      3 * 2 * first!.chunks.length,
      3 * 3 * second!.chunks.length,
    ]);
  });

  test.each([0, 1])('go hottest first where importance decides: batch %i', async (at) => {
    const { world, job } = await twoBatches({ scheduling: 'importance' });
    const hot = pendingOf(world, job)[at]!;
    for (const chunk of hot.chunks) world.heats.set(chunk, 1);
    await planAgain(world, job);
    await pace(world.ports, job);
    const { batch } = take(world.messages);
    expect(chunksOf(world, job, batchId(batch))).toEqual(hot.chunks);
    expect(world.messages).toEqual([]);
  });

  test('carry none where nothing goes by it', async () => {
    const { world, job } = await twoBatches({ scheduling: 'deadline', heatAware: true });
    for (const { chunks } of pendingOf(world, job))
      for (const chunk of chunks) world.heats.set(chunk, 9);
    await planAgain(world, job);
    expect(pendingOf(world, job).map(({ heat }) => heat)).toEqual([0, 0]);
  });

  test('of a repair are not kept waiting for it', async () => {
    const world = new World({
      nodes: threeZones(9),
      policy: { scheduling: 'importance', heatAware: true, autoscaling: false },
    });
    await putFiles(world, 5);
    world.beforeHeat = (node) => {
      throw new Error(`${node} was asked`);
    };
    expect(await loseAndRepair(world, ['n01'])).toBe('done');
  });
});
