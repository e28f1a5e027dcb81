import { expect, test } from 'vitest';
import { jobKey } from '../../lib/contract/keys.ts';
import { cancelJob } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { startRebalance } from '../../lib/control/start-job.ts';
import { forever, jobOf, putFiles, runJob, work } from './acts.ts';
import { batchOf, ends, flights, moving, sent } from './moving.ts';
import { World } from './world.ts';

test('a plan is large, yet each commit and each pacing fits one transaction', async () => {
  const nodes = Object.fromEntries(['a1', 'a2', 'b1', 'c1'].map((name) => [name, name[0]!]));
  const { world, job, full } = await moving(
    {
      nodes,
      policy: { graceMs: 0, fleetBatchesMax: 500, nodeBatchesMax: 500, nodeRateBytes: 1e12 },
    },
    100,
  );
  const copies = world.node(full).chunks.length;
  await runJob(world, job);
  expect(world.problems()).toEqual([]);
  expect(jobOf(world, job).movesDone).toBe(copies);
});

test('a message that is lost is sent again once its flight was silent', async () => {
  const { world, ports, job, message } = await sent();
  await pace(ports, job);
  expect(world.messages).toEqual([]);
  world.pass(ports.policy.flightLimitMs + 1);
  expect(await pace(ports, job)).toMatchObject({ verdict: 'pending' });
  expect(world.messages).toEqual([{ ...message, token: 2 }]);
  await migrate(ports, message, forever);
  expect(batchOf(world, message)?.state).toBe('planned');
  await ends(world, job);
});

test('many pace at once: each batch is sent once', async () => {
  const { world, ports, job } = await moving();
  await Promise.all([pace(ports), pace(ports, job), pace(ports, job)]);
  expect(world.messages).toHaveLength(1);
  expect(flights(world)).toHaveLength(1);
  await ends(world, job);
});

test('many plan at once: one plan is published, the others are never sent', async () => {
  const { world, ports, job, full } = await moving();
  world.store.write([{ op: 'update', key: jobKey(job), set: { attempt: '', generation: 0 } }]);
  await Promise.all([planJob(ports, job), planJob(ports, job), planJob(ports, job)]);
  const moves = world.node(full).chunks.length;
  expect(jobOf(world, job)).toMatchObject({ generation: 1, movesPlanned: moves });
  await pace(ports, job);
  expect(world.messages).toHaveLength(1);
  await ends(world, job);
});

test('while moves are under way nothing is planned', async () => {
  const { ports, world, job, message } = await sent();
  expect(await planJob(ports, job)).toEqual({ verdict: 'moves', waitSeconds: 1 });
  expect(jobOf(world, job).generation).toBe(1);
  await migrate(ports, message, forever);
  expect(await planJob(ports, job)).toMatchObject({ verdict: 'none' });
});

test('a pacing waits the longer the more is left', async () => {
  const { ports, world, job } = await moving(
    {
      policy: { graceMs: 0, nodeRateBytes: 1, batchRateBytes: 1 },
    },
    90,
  );
  const waitSeconds = Math.min(300, Math.floor(jobOf(world, job).bytesPlanned / 2));
  expect(await pace(ports, job)).toEqual({ verdict: 'pending', waitSeconds });
  await work(world);
  expect(await pace(ports, job)).toMatchObject({ verdict: 'settled' });
});

test('a cancelled job sends nothing more; what flies lands', async () => {
  const { world, ports, job } = await moving();
  await cancelJob(ports, job);
  await pace(ports);
  expect(world.messages).toEqual([]);
  expect(await pace(ports, job)).toMatchObject({ verdict: 'cancelled' });
  expect(await planJob(ports, job)).toMatchObject({ verdict: 'cancelled' });
});

test('a drain that finds no room waits and says what for', async () => {
  const { world, ports, job } = await moving();
  world.store.write([{ op: 'update', key: jobKey(job), set: { attempt: '' } }]);
  for (const node of ['a1', 'a2']) world.beat(node, { usedBytes: 10_000 });
  expect(await planJob(ports, job)).toEqual({ verdict: 'blocked', waitSeconds: 60 });
  expect(jobOf(world, job)).toMatchObject({ state: 'running', phase: 'blocked' });
  expect(jobOf(world, job).reasons.join()).toMatch(/room|fit/);
});

test('a rebalance fills a node that is empty and then has nothing to do', async () => {
  const world = new World({ nodes: { a1: 'a', b1: 'b', c1: 'c' } });
  await putFiles(world, 20);
  world.enrol('a2', 'a');
  world.pass(1);
  const started = await startRebalance(world.ports, ['asked']);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  const placed = world.node('a2').chunks.length;
  expect(placed).toBeGreaterThanOrEqual(9);
  expect(placed).toBeLessThanOrEqual(11);
  expect(world.problems()).toEqual([]);
  const again = await startRebalance(world.ports, []);
  if (again.kind === 'blocked') throw new Error('blocked');
  world.pass(world.ports.policy.parkingMs);
  await runJob(world, again.job);
  expect(jobOf(world, again.job).movesDone).toBe(0);
});

test('all the flights of a queue that failed are sent again, a score at a time', async () => {
  const { world, ports, job } = await moving();
  await pace(ports, job);
  const [one] = flights(world);
  for (let i = 0; i < 45; i++) {
    const key = { table: 'placement', pk: 'I', sk: `B#x-${String(i).padStart(3, '0')}` } as const;
    world.store.write([{ op: 'put', key, fields: { ...one } }]);
  }
  world.pass(ports.policy.flightLimitMs + 1);
  for (let i = 0; i < 3; i++) await pace(ports);
  expect(flights(world).every(({ token }) => token === 2)).toBe(true);
});
