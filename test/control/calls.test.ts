import { expect, test } from 'vitest';
import { BatchRecord } from '../../lib/contract/job-records.ts';
import { batchPartition, outboxPartition } from '../../lib/contract/keys.ts';
import { removeFiles } from '../../lib/control/files.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { prove } from '../../lib/control/prove.ts';
import { startDrain, startRebalance } from '../../lib/control/start-job.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { watchFor } from '../../lib/control/watch.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { forever, jobOf, putFiles, runJob, take, work } from './acts.ts';
import { ends, flights, moving, sent } from './moving.ts';
import { pairs, World } from './world.ts';

/** What is not asked for, and that nothing is lost by it. */

const policy = { graceMs: 0, autoscaling: false };
const roundsOf = (world: World, job: string) =>
  world.store.all('placement', `J#${job}`, 'P#').map(({ round }) => round);

test('one plan moves several slots of a chunk, a round once the one before has ended', async () => {
  const world = new World({ nodes: pairs, policy });
  await putFiles(world, 24);
  const started = await startDrain(world.ports, [nodeId('a1'), nodeId('b1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  const { job } = started;
  await runJob(world, job, { until: 'plan' });
  await planJob(world.ports, job);
  expect(new Set(roundsOf(world, job))).toEqual(new Set([0, 1]));
  await pace(world.ports, job);
  expect(new Set(flights(world).map(({ round }) => round))).toEqual(new Set([0]));
  const first = take(world.messages);
  const others = world.messages.splice(0);
  expect(others.length).toBeGreaterThan(0);
  const asked: string[] = [];
  world.beforeQuery = (pk) => void asked.push(pk);
  await migrate(world.ports, first, forever);
  expect(asked).toEqual(['F', 'I']);
  expect(world.messages).toEqual([]);
  expect(new Set(roundsOf(world, job))).toEqual(new Set([1]));
  world.messages.push(...others);
  await work(world);
  expect(roundsOf(world, job)).toEqual([]);
  expect(await runJob(world, job)).toBe('done');
  expect(jobOf(world, job)).toMatchObject({ generation: 1, movesRetried: 0 });
  expect(world.problems()).toEqual([]);
});

test('a round that waits for a batch which is paused is looked at as seldom as that', async () => {
  const world = new World({ nodes: pairs, policy });
  await putFiles(world, 24);
  const started = await startDrain(world.ports, [nodeId('a1'), nodeId('b1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await planJob(world.ports, started.job);
  for (const item of world.store.all('placement', `J#${started.job}`, 'P#')) {
    if (item.round !== 0) continue;
    const key = { table: 'placement', pk: item.pk, sk: item.sk } as const;
    world.store.write([{ op: 'update', key, set: { paused: true } }]);
  }
  expect(await pace(world.ports, started.job)).toEqual({ verdict: 'pending', waitSeconds: 30 });
  expect(world.messages).toEqual([]);
});

test('what was removed before it moved is not planned again', async () => {
  const { world, ports, job } = await moving({}, 24);
  const moves = jobOf(world, job).movesPlanned;
  await removeFiles(
    ports,
    Array.from({ length: 8 }, (_, i) => `f${2 * i}`),
  );
  await sweep(ports, []);
  await pace(ports, job);
  await ends(world, job);
  const batches = world.store
    .all('placement', batchPartition(job), 'B#')
    .map((item) => BatchRecord.parse(item));
  const sum = (of: (batch: BatchRecord) => number) => batches.reduce((n, each) => n + of(each), 0);
  expect(sum(({ movesVoid }) => movesVoid)).toBeGreaterThan(0);
  expect(sum(({ movesDone, movesVoid }) => movesDone + movesVoid)).toBe(moves);
  const ended = jobOf(world, job);
  expect(ended).toMatchObject({ state: 'done', generation: 1, movesPlanned: ended.movesDone });
  expect(ended.movesDone).toBe(sum(({ movesDone }) => movesDone));
  expect([ended.bytesPlanned, ended.bytesMinimum]).toEqual([ended.bytesDone, ended.bytesDone]);
});

test('a move that fails is planned again, whatever is void beside it', async () => {
  const { world, ports, job } = await moving({}, 24);
  await removeFiles(ports, ['f0', 'f2', 'f4']);
  await sweep(ports, []);
  let failed = 0;
  world.tamper = (event) =>
    event.event === 'received' && failed++ === 0
      ? [{ event: 'failed', chunk: event.receipt.chunk, reason: 'disk', message: 'torn' }]
      : [event];
  await ends(world, job);
  expect(jobOf(world, job)).toMatchObject({ generation: 2, movesRetried: 1 });
});

test('a job that has sent all asks for what flies, and no more', async () => {
  const { world, ports, job, message } = await sent();
  const asked: string[] = [];
  world.beforeQuery = (pk) => void asked.push(pk);
  expect(await pace(ports, job)).toMatchObject({ verdict: 'pending' });
  expect(asked.splice(0)).toEqual(['I']);
  world.pass(ports.policy.flightLimitMs + 1);
  await pace(ports, job);
  expect(flights(world)).toMatchObject([{ token: 2 }]);
  asked.splice(0);
  await migrate(ports, { ...message, token: 2 }, forever);
  expect(asked).toEqual(['F', 'I']);
  world.messages.splice(0);
  await ends(world, job);
});

test('the end of a batch makes room for whatever job waits', async () => {
  const world = new World({ nodes: pairs, policy: { ...policy, fleetBatchesMax: 1 } });
  await putFiles(world, 24);
  const jobs = [];
  for (const node of ['a1', 'b1']) {
    const started = await startDrain(world.ports, [nodeId(node)], []);
    if (started.kind === 'blocked') throw new Error('blocked');
    jobs.push(started.job);
    await runJob(world, started.job, { until: 'plan' });
    await planJob(world.ports, started.job);
  }
  await pace(world.ports, jobs[0]);
  await pace(world.ports, jobs[1]);
  const first = take(world.messages);
  expect(world.messages).toEqual([]);
  await migrate(world.ports, first, forever);
  expect(world.messages).toMatchObject([{ job: jobs.find((job) => job !== first.job) }]);
  await ends(world, jobs[0]!);
});

test('of two batches that end together both leave room, and all of it is used', async () => {
  const { world, ports, message } = await sent({ policy: { ...policy, fleetBatchesMax: 1 } }, 24);
  const started = await startDrain(ports, [nodeId('b1')], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await planJob(ports, started.job);
  await pace(ports, started.job);
  world.beforeWrite = async (ops) => {
    if (ops[0]?.key.sk !== 'PACE') return;
    world.beforeWrite = () => {};
    // Another one is faster, and saw less: it sends nothing.
    const generation = Number(world.store.get(ops[0].key)!.generation) + 1;
    world.store.write([{ op: 'update', key: ops[0].key, set: { generation } }]);
  };
  await migrate(ports, message, forever);
  expect(world.messages).toMatchObject([{ job: started.job }]);
});

test('a node that leaves is not swept for what its drain parks, nor once it is drained', async () => {
  const { world, ports, job, full } = await moving();
  const copies = world.node(full).chunks.length;
  await pace(ports, job);
  await work(world);
  expect(world.sweeps).toEqual([]);
  await planJob(ports, job);
  expect(await prove(ports, job)).toMatchObject({ verdict: 'proved' });
  world.pass(ports.policy.parkingMs + 1);
  await sweep(ports, []);
  expect(world.node(full).chunks).toHaveLength(copies);
  expect(world.store.all('placement', outboxPartition(nodeId(full))).length).toBeGreaterThan(0);
  await ends(world, job);
  expect(world.store.all('placement', outboxPartition(nodeId(full)))).toEqual([]);
});

test('a node that stays is swept for what has left it, and the rows of several nodes go together', async () => {
  const world = new World({ nodes: pairs, policy: { ...policy, rebalanceBand: 0.01 } });
  await putFiles(world, 24);
  for (const name of ['a3', 'b3']) world.enrol(name, name[0]!);
  const started = await startRebalance(world.ports, []);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  const hinted = new Set(world.sweeps.flatMap(({ nodes }) => nodes));
  expect(hinted.size).toBeGreaterThan(1);
  world.pass(world.ports.policy.parkingMs);
  let writes = 0;
  world.beforeWriteEach = () => void writes++;
  await sweep(world.ports, [...hinted]);
  expect(writes).toBe(1);
  expect(world.orphans()).toEqual([]);
  expect(world.problems()).toEqual([]);
});

test('of the batches that fly from a node the last one asks for its sweep', async () => {
  const world = new World({ nodes: { a1: 'a', b1: 'b', c1: 'c' }, policy });
  await putFiles(world, 24);
  for (const name of ['a2', 'a3']) world.enrol(name, 'a');
  const started = await startRebalance(world.ports, []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await planJob(world.ports, started.job);
  await pace(world.ports, started.job);
  expect(flights(world).map(({ from, to }) => `${from}->${to}`)).toEqual(['a1->a2', 'a1->a3']);
  await migrate(world.ports, take(world.messages), forever);
  expect(world.sweeps).toEqual([]);
  await migrate(world.ports, take(world.messages), forever);
  expect(world.sweeps).toMatchObject([{ nodes: ['a1'] }]);
});

test('a machine that changes is looked into while its node takes part, and only then', async () => {
  const world = new World({ nodes: pairs, policy });
  world.lose('b1');
  const asked: string[] = [];
  world.beforeQuery = (pk) => void asked.push(pk);
  await watchFor(world.ports, 'i-stranger');
  expect(asked.splice(0)).toEqual(['F']);
  expect(world.state('b1')).toBe('active');
  await watchFor(world.ports, 'i-b1');
  expect(world.state('b1')).toBe('gone');
  asked.splice(0);
  await watchFor(world.ports, 'i-b1');
  expect(asked.splice(0)).toEqual(['F']);
  world.lose('c1');
  await watchFor(world.ports, undefined);
  expect(world.state('c1')).toBe('gone');
});
