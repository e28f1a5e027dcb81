import { expect, test } from 'vitest';
import { eventDetails } from '../../lib/contract/events.ts';
import { eventPartition } from '../../lib/contract/keys.ts';
import { listEvents, tellEvents } from '../../lib/control/events.ts';
import { cancelJob } from '../../lib/control/jobs.ts';
import { TryLater } from '../../lib/control/ports.ts';
import { startDrain, startScaleOut } from '../../lib/control/start-job.ts';
import { watch } from '../../lib/control/watch.ts';
import { type JobId, nodeId } from '../../lib/core/ids.ts';
import { jobOf, putFiles, runJob } from './acts.ts';
import { pairs, World } from './world.ts';

const policy = { autoscaling: false, graceMs: 0, parkingMs: 1_000 };
const worldOf = () => new World({ nodes: pairs, policy });
const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type);
const waiting = ({ store }: World) => store.all('placement', eventPartition, 'W#').length;

async function draining(world: World, node = 'a1'): Promise<JobId> {
  await putFiles(world, 6);
  const started = await startDrain(world.ports, [nodeId(node)], ['asked']);
  if (started.kind === 'blocked') throw new Error('blocked');
  return started.job;
}

test('a drain tells of its node’s way and of its own end, with its numbers', async () => {
  const world = worldOf();
  const job = await draining(world);
  expect(await runJob(world, job)).toBe('done');
  expect(typesOf(world.told)).toEqual(['Node Draining', 'Node Drained', 'Node Gone', 'Job Ended']);
  const { movesDone, bytesDone } = jobOf(world, job);
  expect(world.told.at(-1)?.detail).toMatchObject({
    ...{ job, kind: 'drain', state: 'done', nodes: ['a1'], movesFailed: 0 },
    ...{ movesDone, bytesDone, reasons: ['asked'] },
  });
  expect(world.told[1]?.detail).toMatchObject({ node: 'a1', zone: 'a', instance: 'i-a1', job });
  expect(waiting(world)).toBe(0);
});

test('a scale-out tells of each node that joins', async () => {
  const world = worldOf();
  const started = await startScaleOut(world.ports, { a: 1, b: 1 }, []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job);
  expect(typesOf(world.told)).toEqual(['Node Joined', 'Node Joined', 'Job Ended']);
});

test('a death, a cancellation and a return are told', async () => {
  const world = worldOf();
  const job = await draining(world);
  await runJob(world, job, { until: 'plan' });
  await cancelJob(world.ports, job);
  world.lose('b1');
  await watch(world.ports);
  await tellEvents(world.ports);
  expect(typesOf(world.told).sort()).toEqual([
    'Job Ended',
    'Node Dead',
    'Node Draining',
    'Node Returned',
  ]);
});

test('killed between telling and marking, an event is told again under its id', async () => {
  const world = worldOf();
  await cancelJob(world.ports, await draining(world));
  const { writeEach } = world.ports.tables;
  Object.assign(world.ports.tables, {
    writeEach: async () => {
      throw new TryLater('killed here');
    },
  });
  await expect(tellEvents(world.ports)).rejects.toThrow('killed here');
  Object.assign(world.ports.tables, { writeEach });
  await tellEvents(world.ports);
  expect(typesOf(world.told)).toEqual(['Job Ended', 'Job Ended']);
  expect(world.told[1]).toEqual(world.told[0]);
  expect(await tellEvents(world.ports)).toBe(0);
});

test('an event that cannot be told keeps nothing waiting but itself', async () => {
  const world = worldOf();
  world.beforeTell = () => {
    throw new TryLater('EventBridge is throttled');
  };
  const job = await draining(world);
  expect(await runJob(world, job)).toBe('done');
  expect(world.state('a1')).toBe('gone');
  expect(world.logged).toContain('events-wait');
  expect((await listEvents(world.ports.tables)).map(({ told }) => told)).toEqual(
    Array.from({ length: 4 }, () => false),
  );
  world.beforeTell = () => {};
  expect(await tellEvents(world.ports)).toBe(4);
  expect((await listEvents(world.ports.tables)).every(({ told }) => told)).toBe(true);
});

test('what did not happen is not told', async () => {
  const world = worldOf();
  const job = await draining(world);
  await cancelJob(world.ports, job);
  await cancelJob(world.ports, job);
  await tellEvents(world.ports);
  expect(typesOf(world.told)).toEqual(['Job Ended']);
});

test('a batch that failed tells of its moves, and a job that finds no way of its blocks', async () => {
  const world = worldOf();
  const job = await draining(world);
  world.tamper = (event) =>
    event.event === 'received'
      ? [
          {
            event: 'failed',
            chunk: event.receipt.chunk,
            reason: 'disk',
            message: 'full of holes',
          } as never,
        ]
      : [event];
  let plans = 0;
  await runJob(world, job, {
    before: (step) => {
      if (step === 'plan' && ++plans === 2) world.tamper = (event) => [event];
    },
  });
  const failed = world.told.filter(({ type }) => type === 'Moves Failed');
  expect(failed.length).toBeGreaterThan(0);
  expect(eventDetails['Moves Failed'].parse(failed[0]!.detail)).toMatchObject({
    ...{ job, from: 'a1', movesDone: 0 },
    failures: expect.arrayContaining([expect.stringContaining('full of holes')]),
  });
});
