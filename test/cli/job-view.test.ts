import { describe, expect, test } from 'vitest';
import { type JobView, viewJobs } from '../../lib/cli/look/job-view.ts';
import { isStuck } from '../../lib/cli/look/job-words.ts';
import { readOverview } from '../../lib/cli/look/overview.ts';
import { paceOf } from '../../lib/cli/look/pace-view.ts';
import { findBatch, setBatchPaused } from '../../lib/control/cancel.ts';
import { listJobs } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { setPaused } from '../../lib/control/pause.ts';
import { zone } from '../../lib/core/ids.ts';
import { forever } from '../control/acts.ts';
import { flights, moving, sent } from '../control/moving.ts';
import type { World } from '../control/world.ts';

const longMs = 41_000;

async function viewOf({ ports }: World): Promise<JobView> {
  const [view] = await viewJobs(ports.tables, await listJobs(ports.tables), ports.now());
  return view!;
}

describe('a job that moves nothing says what it waits for', () => {
  test.each(['all', 'job', 'zone'] as const)('%s is paused: at once', async (what) => {
    const { world, ports, job } = await moving();
    const scope = { all: 'all', job: { job }, zone: { zone: zone('a') } } as const;
    await setPaused(ports, scope[what], true, 'asked for');
    world.pass(2_000);
    const view = await viewOf(world);
    expect(view.waitsFor).toEqual([
      {
        all: 'everything is held since 0:02: asked for',
        job: 'the job is paused',
        zone: 'zone a is held since 0:02: asked for',
      }[what],
    ]);
    expect([isStuck(view), view.secondsLeft, view.estimate]).toEqual([false, null, null]);
    world.pass(longMs);
    expect(isStuck(await viewOf(world))).toBe(true);
  });

  test('another zone that is held is no reason', async () => {
    const { world, ports } = await moving();
    await setPaused(ports, { zone: zone('b') }, true, 'asked for');
    expect((await viewOf(world)).waitsFor).toEqual([]);
  });

  test('all its batches are paused', async () => {
    const { world, ports, job } = await moving();
    for (const { sk } of world.store.all('placement', `J#${job}`, 'P#'))
      await setBatchPaused(ports, (await findBatch(ports, sk.slice(2)))!, true);
    expect((await viewOf(world)).waitsFor).toEqual([
      expect.stringMatching(/^batches of it that are paused: [1-9]\d*$/),
    ]);
  });

  test('nothing looks after what waits', async () => {
    const { world } = await moving();
    world.pass(longMs);
    const view = await viewOf(world);
    expect(view).toMatchObject({ stillMs: longMs });
    expect(view.waitsFor).toEqual(['a look that sends its batches: none is in flight']);
  });

  test('the destination does not answer', async () => {
    const { world, ports, full, to } = await sent();
    world.pass(5_000);
    expect(await viewOf(world)).toMatchObject({ stillMs: 5_000, waitsFor: [] });
    world.pass(longMs - 5_000);
    const { stillMs, waitsFor } = await viewOf(world);
    expect(stillMs).toBe(longMs);
    expect(waitsFor).toEqual([`copies from ${full} to ${to}: no sign of life for 0:41`]);
    world.pass(ports.policy.flightLimitMs);
    await pace(ports);
    world.pass(1_000);
    const again = await viewOf(world);
    expect(again.stillMs).toBe(longMs + ports.policy.flightLimitMs + 1_000);
    expect(again.waitsFor).toEqual([
      expect.stringMatching(/no sign of life for 0:01, sent again$/),
    ]);
  });
});

test('a commit is a sign of life of its flight', async () => {
  const { world, ports, message } = await sent({ policy: { graceMs: 0 } }, 200);
  world.pass(20_000);
  let seen: unknown;
  world.beforeWrite = () => {
    seen ??= flights(world)
      .map(({ committedAt }) => committedAt)
      .find((at) => at !== 0);
  };
  await migrate(ports, message, forever);
  expect(seen).toBe(world.nowMs);
});

test('what is left on a node that leaves, and its rate, are told by node', async () => {
  const { world, full } = await sent();
  const [{ sk, bytes }] = flights(world) as unknown as [{ sk: string; bytes: number }];
  expect(sk).toMatch(/^B#/);
  const view = await viewOf(world);
  expect(view.leaving).toEqual({ [full]: { bytesLeft: view.bytesLeft, bytesPerSecond: 0 } });
  expect(view.bytesLeft).toBeGreaterThanOrEqual(bytes);
  const { nodes } = await readOverview(world.ports);
  expect(nodes.find(({ node }) => node === full)!.leaving).toEqual({
    ...{ bytesLeft: view.bytesLeft, bytesPerSecond: 0, secondsLeft: null, blockedBy: [] },
  });
  expect(nodes.filter(({ leaving }) => leaving !== null)).toHaveLength(1);
});

test('a flight that was just sent does not halve the rate', () => {
  const flight = (bytesDone: number, startedAt: number) => ({ bytes: 1_000, bytesDone, startedAt });
  const rateOf = (...flying: ReturnType<typeof flight>[]) =>
    paceOf([], flying, 10_000).bytesPerSecond;
  expect(rateOf(flight(500, 0))).toBe(50);
  expect(rateOf(flight(500, 0), flight(500, 0))).toBe(100);
  expect(rateOf(flight(500, 0), flight(0, 9_990))).toBeGreaterThan(98);
  expect(rateOf()).toBe(0);
});
