import { describe, expect, test } from 'vitest';
import { MovesRecord } from '../../lib/contract/job-records.ts';
import {
  batchOfKey,
  flightPartition,
  holdEventKey,
  holdZoneKey,
  jobKey,
  movesKey,
} from '../../lib/contract/keys.ts';
import { cancelJob, listJobs } from '../../lib/control/jobs.ts';
import { pace } from '../../lib/control/pace.ts';
import { setPaused } from '../../lib/control/pause.ts';
import { TryLater } from '../../lib/control/ports.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { heed } from '../../lib/control/urgency.ts';
import { watch } from '../../lib/control/watch.ts';
import { nodeId, zone } from '../../lib/core/ids.ts';
import type { Notice } from '../../lib/core/notice.ts';
import { epochMillis } from '../../lib/core/units.ts';
import { contentOf, jobOf, putFiles, runJob, work } from './acts.ts';
import { pairs, World, type WorldOptions } from './world.ts';

const worldOf = (options: WorldOptions = {}) =>
  new World({
    nodes: pairs,
    ...options,
    policy: { autoscaling: false, parkingMs: 1_000, ...options.policy },
  });
const runningJobs = async ({ ports }: World) =>
  (await listJobs(ports.tables)).filter(({ state }) => state === 'running');

const spot = (world: World, node = 'a1', at = world.nowMs): Notice => ({
  kind: 'spot-interruption',
  instances: [`i-${node}`],
  at: epochMillis(at),
});
const hint = (world: World, node = 'a1'): Notice => ({
  kind: 'rebalance-recommendation',
  instances: [`i-${node}`],
  at: epochMillis(world.nowMs),
});

/** Heeds a notice that begins a drain. @returns the drain */
async function heeded(world: World, notice: Notice) {
  await heed(world.ports, notice);
  const [job, ...others] = await runningJobs(world);
  expect(others).toEqual([]);
  return job!;
}

test('a spot machine is emptied within its two minutes, clients’ grace and all', async () => {
  const world = worldOf();
  await putFiles(world, 12);
  const held = world.node('a1').chunks.length;
  const job = await heeded(world, spot(world));
  const due = world.nowMs + 120_000;
  expect(job).toMatchObject({ kind: 'drain', nodes: ['a1'], deadline: due, priority: 10 });
  expect(job.reasons).toEqual([expect.stringContaining('EC2 takes a spot instance back')]);
  world.node('a1').connections = 3;
  await runJob(world, job.id, { until: 'prove' });
  expect(world.nowMs).toBeLessThan(due);
  expect(jobOf(world, job.id).movesDone).toBe(held);
  expect(world.problems()).toEqual([]);
});

test('of the smallest fleet a machine that is taken away is replaced before it is gone', async () => {
  const world = worldOf({ nodes: { a1: 'a', b1: 'b', c1: 'c' }, policy: { autoscaling: true } });
  await putFiles(world, 6);
  const job = await heeded(world, spot(world));
  await runJob(world, job.id, { until: 'pace' }).catch(() => 'blocked');
  expect(world.state('a1')).toBe('draining');
  world.pass(1_000);
  await watch(world.ports);
  const launches = (await runningJobs(world)).filter(({ kind }) => kind === 'scale-out');
  expect(launches).toMatchObject([{ launch: { a: 1 } }]);
});

test('what cannot leave keeps nothing else, and is repaired the moment its machine dies', async () => {
  const world = worldOf({ nodes: { a1: 'a', b1: 'b', c1: 'c', c2: 'c' } });
  await putFiles(world, 6);
  expect(await startDrain(world.ports, [nodeId('a1')], [])).toMatchObject({ kind: 'blocked' });
  const job = await heeded(world, spot(world));
  expect(job.mustLeave).toBe(true);
  await runJob(world, job.id, { until: 'pace' });
  expect(world.state('a1')).toBe('draining');
  await work(world);
  const at = world.machines.findIndex(({ node }) => node === 'a1');
  world.machines[at] = { ...world.machines[at]!, state: 'shutting-down' };
  world.node('a1').isUp = false;
  await watch(world.ports);
  expect(world.state('a1')).toBe('dead');
  world.enrol('a2', 'a');
  for (const { id, kind } of await runningJobs(world))
    if (kind === 'repair') await runJob(world, id);
  for (let i = 0; i < 6; i++) expect(await contentOf(world, `f${i}`)).toBe(`content of ${i}`);
  expect(world.problems()).toEqual([]);
});

test('chunks in danger are sent before all others', async () => {
  const world = worldOf();
  await putFiles(world, 20);
  world.lose('b1');
  await watch(world.ports);
  await heed(world.ports, spot(world));
  const drain = (await runningJobs(world)).find(({ kind }) => kind === 'drain')!;
  await runJob(world, drain.id, { until: 'pace' });
  const batches = world.store.all('placement', `J#${drain.id}`, 'B#');
  const isInDanger = ({ chunk }: { chunk: string }) =>
    world.placement(chunk)!.holders.includes('b1');
  for (const { sk, urgency } of batches) {
    const list = world.store.get(movesKey(drain.id, batchOfKey(sk)));
    const { moves } = MovesRecord.parse(list);
    expect(new Set(moves.map(isInDanger))).toEqual(new Set([urgency === 'critical']));
  }
  expect(new Set(batches.map(({ urgency }) => urgency))).toEqual(new Set(['critical', 'normal']));
});

describe('a notice again', () => {
  test('changes nothing, and starts an execution that a crash left out', async () => {
    const world = worldOf();
    const notice = spot(world);
    const job = await heeded(world, notice);
    world.started.splice(0);
    expect((await heeded(world, notice)).id).toBe(job.id);
    expect(jobOf(world, job.id)).toEqual(expect.objectContaining({ lastOp: job.lastOp }));
    expect(world.started).toEqual([['drain', job.id]]);
  });

  test('at the same moment begins one drain', async () => {
    const world = worldOf();
    await Promise.all([heed(world.ports, spot(world)), heed(world.ports, spot(world))]);
    expect(await runningJobs(world)).toHaveLength(1);
  });

  test('of another kind at the same moment begins one drain, as urgent as the more urgent', async () => {
    const world = worldOf();
    await Promise.all([heed(world.ports, hint(world)), heed(world.ports, spot(world))]);
    const [job, ...others] = await runningJobs(world);
    expect(others).toEqual([]);
    expect(job).toMatchObject({ deadline: world.nowMs + 120_000, priority: 10, mustLeave: true });
  });

  test('after an operator cancelled its drain begins none; a newer one does', async () => {
    const world = worldOf();
    const notice = hint(world);
    await cancelJob(world.ports, (await heeded(world, notice)).id);
    await heed(world.ports, notice);
    expect(await runningJobs(world)).toEqual([]);
    world.pass(1_000);
    await heed(world.ports, hint(world));
    expect(await runningJobs(world)).toHaveLength(1);
  });

  test('of a stranger, or too late, writes nothing', async () => {
    const world = worldOf();
    let writes = 0;
    world.beforeWrite = () => void writes++;
    await heed(world.ports, spot(world, 'stranger'));
    await heed(world.ports, spot(world, 'a1', world.nowMs - 120_000));
    expect([writes, world.started]).toEqual([0, []]);
  });
});

test('killed before the execution starts, the watch starts it', async () => {
  const world = worldOf();
  world.afterWrite = () => {
    throw new TryLater('killed here');
  };
  await heed(world.ports, spot(world)).catch(() => {});
  world.afterWrite = () => {};
  expect(world.started).toEqual([]);
  await watch(world.ports);
  expect(world.started).toEqual([['drain', (await runningJobs(world))[0]!.id]]);
});

describe('a drain that runs', () => {
  async function begun(world: World) {
    await putFiles(world, 12);
    const started = await startDrain(world.ports, [nodeId('a1')], ['asked']);
    if (started.kind === 'blocked') throw new Error('blocked');
    return started.job;
  }

  test('is hastened, never slowed, and says why', async () => {
    const world = worldOf();
    const job = await begun(world);
    await heed(world.ports, spot(world));
    const due = world.nowMs + 120_000;
    expect(jobOf(world, job)).toMatchObject({ deadline: due, priority: 10, mustLeave: true });
    expect(jobOf(world, job).reasons).toEqual(['asked', expect.stringContaining('spot')]);
    world.pass(10);
    await heed(world.ports, hint(world));
    expect(jobOf(world, job)).toMatchObject({ deadline: due, priority: 10 });
  });

  test('cuts its grace period short', async () => {
    const world = worldOf({ policy: { graceMs: 300_000, connectionsLimitMs: 300_000 } });
    const job = await begun(world);
    world.node('a1').connections = 1;
    await runJob(world, job, { until: 'connections' });
    await heed(world.ports, spot(world));
    const from = world.nowMs;
    await runJob(world, job, { until: 'prove' });
    expect(world.nowMs - from).toBeLessThan(60_000);
  });

  test('sends what it had planned in its new class', async () => {
    const sent: string[] = [];
    const world = worldOf({ policy: { graceMs: 0, nodeBatchesMax: 1, fleetBatchesMax: 1 } });
    const send = world.ports.queues.send;
    Object.assign(world.ports.queues, {
      send: (urgency: string, messages: never) => {
        sent.push(urgency);
        return send(urgency as never, messages);
      },
    });
    const job = await begun(world);
    await runJob(world, job, { until: 'pace' });
    await heed(world.ports, spot(world));
    await runJob(world, job, { until: 'prove' });
    expect(sent[0]).toBe('high');
  });

  test('beside writers that never rest is left for later, not for ever', async () => {
    const world = worldOf();
    const job = await begun(world);
    let others = 0;
    world.beforeWrite = () => {
      const set = { lastOp: `other ${others++}` };
      world.store.write([{ op: 'update', key: jobKey(job), set }]);
    };
    await expect(heed(world.ports, spot(world))).rejects.toThrow(TryLater);
  });
});

describe('a zone', () => {
  const word = (
    world: World,
    kind: 'zone-impaired' | 'zone-recovered',
    at = world.nowMs,
  ): Notice => ({
    kind,
    zone: zone('id-a'),
    at: epochMillis(at),
  });
  const holds = ({ store }: World) =>
    store.all('placement', flightPartition, 'HOLD#').map(({ sk }) => sk);

  test('that is impaired is held until it recovers; what operators hold stays', async () => {
    const world = worldOf();
    await setPaused(world.ports, { zone: zone('a') }, true, 'maintenance');
    await heed(world.ports, word(world, 'zone-impaired'));
    await heed(world.ports, word(world, 'zone-impaired'));
    expect(holds(world)).toEqual([holdEventKey(zone('a')).sk, holdZoneKey(zone('a')).sk]);
    world.pass(1);
    await heed(world.ports, word(world, 'zone-recovered'));
    expect(holds(world)).toEqual([holdZoneKey(zone('a')).sk]);
  });

  test('is not held by a word that comes after the word of its end', async () => {
    const world = worldOf();
    await heed(world.ports, word(world, 'zone-recovered'));
    await heed(world.ports, word(world, 'zone-impaired', world.nowMs - 1));
    expect(holds(world)).toEqual([]);
  });

  test('goes on by itself when the word of its end is lost', async () => {
    const world = worldOf({ policy: { zonePauseMsMax: 600_000 } });
    await heed(world.ports, word(world, 'zone-impaired'));
    world.pass(599_999);
    await watch(world.ports);
    expect(holds(world)).toHaveLength(1);
    world.pass(1);
    await watch(world.ports);
    expect(holds(world)).toEqual([]);
  });

  test('that is held sends no planned move; what has a deadline, and repairs, go on', async () => {
    const world = worldOf({ policy: { graceMs: 0 } });
    await putFiles(world, 12);
    await heed(world.ports, word(world, 'zone-impaired'));
    const started = await startDrain(world.ports, [nodeId('a1')], []);
    if (started.kind === 'blocked') throw new Error('blocked');
    await runJob(world, started.job, { until: 'pace' });
    await pace(world.ports, started.job);
    expect(world.messages).toEqual([]);
    await heed(world.ports, spot(world));
    await pace(world.ports, started.job);
    expect(world.messages.length).toBeGreaterThan(0);
    expect(await runJob(world, started.job, { until: 'prove' })).toBe('prove');
  });

  test('of another account changes nothing', async () => {
    const world = worldOf();
    const notice: Notice = { ...word(world, 'zone-impaired'), zone: zone('id-q') } as Notice;
    expect(await heed(world.ports, notice)).toMatchObject([{ why: { kind: 'unknown-zone' } }]);
    expect(holds(world)).toEqual([]);
  });
});
