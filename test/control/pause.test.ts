import { describe, expect, test } from 'vitest';
import { flightKey, pendingKey } from '../../lib/contract/keys.ts';
import {
  cancelAllOf,
  cancelBatch,
  cancelMove,
  findBatch,
  setBatchPaused,
} from '../../lib/control/cancel.ts';
import { cancelJob, type Job, readJob } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { setPaused } from '../../lib/control/pause.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { retryJob } from '../../lib/control/retry.ts';
import {
  openJobOp,
  type Started,
  startDrain,
  startRebalance,
  startRepair,
} from '../../lib/control/start-job.ts';
import { batchId, chunkId, type JobId, jobId, nodeId, zone } from '../../lib/core/ids.ts';
import { forever, jobOf, putFiles, runJob, take, work } from './acts.ts';
import { batchOf, ends, flights, moving, sent } from './moving.ts';
import { World } from './world.ts';

const reason = 'asked for';
const waitingOf = ({ store }: World, job: string) =>
  store.all('placement', `J#${job}`, 'P#')[0]!.sk;

describe('paused', () => {
  test.each(['all', 'job', 'zone'] as const)(
    '%s: nothing is sent until it is resumed',
    async (what) => {
      const { world, ports, job } = await moving();
      const scope = { all: 'all', job: { job }, zone: { zone: zone('a') } } as const;
      expect(await setPaused(ports, scope[what], true, reason)).toBe('set');
      expect(await setPaused(ports, scope[what], true, reason)).toBe('set');
      expect(await pace(ports, job)).toEqual({ verdict: 'pending', waitSeconds: 30 });
      expect(world.messages).toEqual([]);
      await setPaused(ports, scope[what], false, reason);
      await pace(ports, job);
      expect(world.messages).not.toEqual([]);
      await ends(world, job);
    },
  );

  test('what is in flight ends', async () => {
    const { world, ports, job, message } = await sent();
    await setPaused(ports, 'all', true, reason);
    await migrate(ports, message, forever);
    expect(batchOf(world, message)).toMatchObject({ state: 'ended' });
    expect(Number(batchOf(world, message)!.movesDone)).toBeGreaterThan(0);
    await setPaused(ports, 'all', false, reason);
    await ends(world, job);
  });

  test('another zone that is held does not matter', async () => {
    const { world, ports, job } = await moving();
    await setPaused(ports, { zone: zone('b') }, true, reason);
    await pace(ports, job);
    expect(world.messages).not.toEqual([]);
  });

  test('a zone that is held does not hold repairs', async () => {
    const { world, ports, job } = await moving();
    const sk = waitingOf(world, job);
    const key = pendingKey(job, batchId(sk.slice(2)));
    world.store.write([{ op: 'update', key, set: { urgency: 'critical' } }]);
    await setPaused(ports, { zone: zone('a') }, true, reason);
    await pace(ports, job);
    expect(world.messages).toHaveLength(1);
  });

  test('a pause of a month is looked at fewer than 1,000 times', async () => {
    const { world, ports, job } = await moving();
    await setPaused(ports, { job }, true, reason);
    const until = world.nowMs + 30 * 24 * 3_600_000;
    let looks = 0;
    for (; world.nowMs < until; looks++)
      world.nowMs += (await pace(ports, job)).waitSeconds * 1_000;
    expect(looks).toBeLessThan(1_000);
  });

  test('one batch of many', async () => {
    const { world, ports, job } = await moving();
    const sk = waitingOf(world, job);
    const found = (await findBatch(ports, sk.slice(2)))!;
    expect(await setBatchPaused(ports, found, true)).toBe(true);
    await pace(ports, job);
    expect(world.messages.map(({ batch }) => batch)).not.toContain(found.batch);
    expect(await setBatchPaused(ports, found, false)).toBe(true);
    await ends(world, job);
  });

  test('a job that has ended cannot be paused', async () => {
    const { ports, job } = await moving();
    await cancelAllOf(ports, (await readJob(ports.tables, job))!);
    expect(await setPaused(ports, { job }, true, reason)).toBe('unknown');
  });
});

const foundOf = async (ports: World['ports'], batch: string) => (await findBatch(ports, batch))!;

describe('cancelled', () => {
  test('a batch in flight stops at its next commit and leaves no trace', async () => {
    const { world, ports, job, message, to, full } = await sent();
    const held = new Set(world.node(to).chunks);
    const given = world.node(full).chunks.length;
    world.beforePullEvent = async () => {
      world.beforePullEvent = () => {};
      expect(await cancelBatch(ports, await foundOf(ports, message.batch))).toBe('cancelled');
    };
    await migrate(ports, message, forever);
    expect(world.node(to).chunks.filter((chunk) => !held.has(chunk))).toEqual([]);
    expect(world.orphans()).toEqual([]);
    expect(batchOf(world, message)).toMatchObject({
      state: 'ended',
      movesDone: 0,
      movesCancelled: given,
    });
    expect(flights(world)).toEqual([]);
    await ends(world, job);
  });

  test('what it had committed stays', async () => {
    const { world, ports, job, message, to } = await sent();
    let events = 0;
    world.beforePullEvent = async () => {
      world.nowMs += ports.policy.flightLimitMs / 2;
      if (++events === 3) await cancelBatch(ports, await foundOf(ports, message.batch));
    };
    await migrate(ports, message, forever);
    world.beforePullEvent = () => {};
    const { movesDone, movesCancelled } = batchOf(world, message)!;
    expect(movesDone).toBe(2);
    expect(Number(movesCancelled)).toBeGreaterThan(0);
    expect(world.orphans().filter((orphan) => orphan.endsWith(`on ${to}`))).toEqual([]);
    await ends(world, job);
  });

  test('a batch that waits is never sent; its message, sent before, finds nothing', async () => {
    const { world, ports, job } = await moving();
    const sk = waitingOf(world, job);
    const found = await foundOf(ports, sk.slice(2));
    expect(await cancelBatch(ports, found)).toBe('cancelled');
    expect(await cancelBatch(ports, found)).toBe('over');
    await pace(ports, job);
    expect(world.messages).toEqual([]);
    expect(world.store.get(flightKey(found.batch))).toBeUndefined();
    await ends(world, job);
  });

  test('a pacing that starts the batch at the same time is seen', async () => {
    const { world, ports, job } = await moving();
    const sk = waitingOf(world, job);
    const found = await foundOf(ports, sk.slice(2));
    world.beforeWrite = async () => {
      world.beforeWrite = () => {};
      await pace(ports, job);
    };
    expect(await cancelBatch(ports, found)).toBe('cancelled');
    await migrate(ports, take(world.messages), forever);
    expect(flights(world)).toEqual([]);
    await ends(world, job);
  });

  test('a job stops what of it flies, and its node is given back', async () => {
    const { world, ports, job, message, full } = await sent();
    world.beforePullEvent = async () => {
      world.beforePullEvent = () => {};
      expect(await cancelAllOf(ports, (await readJob(ports.tables, job))!)).toBe(true);
    };
    await migrate(ports, message, forever);
    expect(flights(world)).toEqual([]);
    expect(world.orphans()).toEqual([]);
    expect(await runJob(world, job)).toBe('cancelled');
    expect(world.state(full)).toBe('active');
    expect(world.problems()).toEqual([]);
  });
});

describe('a worker whose time runs out, and whose destination had received more than it committed,', () => {
  async function outOfTime(meanwhile: (ports: World['ports'], job: JobId) => Promise<unknown>) {
    const { world, ports, job, message, to, full } = await sent();
    world.beforePullEvent = async () => {
      world.beforePullEvent = () => {};
      for (const chunk of world.node(full).chunks) world.copyAhead(chunk, full, to);
      await meanwhile(ports, job);
    };
    await migrate(ports, message, { remainingMs: () => 5_000 });
    expect(batchOf(world, message)).toMatchObject({ state: 'ended', movesDone: 1 });
    return { world, job, to };
  }
  const orphansOn = (world: World, node: string) =>
    world.orphans().filter((orphan) => orphan.endsWith(`on ${node}`));

  test('takes that back where its job was cancelled: nobody else would come for it', async () => {
    const { world, job, to } = await outOfTime((ports, id) => cancelJob(ports, id));
    expect(orphansOn(world, to)).toEqual([]);
    expect(await runJob(world, job)).toBe('cancelled');
    expect(world.problems()).toEqual([]);
  });

  test('leaves it to the next plan of a job that runs', async () => {
    const { world, job, to } = await outOfTime(async () => {});
    expect(orphansOn(world, to).length).toBeGreaterThan(0);
    await ends(world, job);
  });
});

/** A level fleet that a new, empty node joins: a rebalance in one batch. */
async function rebalancing() {
  const world = new World({
    nodes: { a1: 'a', b1: 'b', c1: 'c' },
    policy: { autoscaling: false, rebalanceBand: 0.1 },
  });
  await putFiles(world, 12);
  world.enrol('a2', 'a');
  const started = await startRebalance(world.ports, []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await planJob(world.ports, started.job);
  const sk = waitingOf(world, started.job);
  return { world, ports: world.ports, job: started.job, batch: sk.slice(2) };
}

const doneOf = (world: World, job: JobId) => {
  const { state, movesPlanned, movesDone, movesCancelled } = jobOf(world, job);
  return { state, movesPlanned, movesDone, movesCancelled };
};

describe('a single move', () => {
  test('of a rebalance is given up, and the job ends without it', async () => {
    const { world, ports, job, batch } = await rebalancing();
    const found = await foundOf(ports, batch);
    const planned = jobOf(world, job).movesPlanned;
    expect(planned).toBeGreaterThan(2);
    expect(await cancelMove(ports, found, 0)).toBe('cancelled');
    expect(await cancelMove(ports, found, 0)).toBe('over');
    expect(await cancelMove(ports, found, 99)).toBe('over');
    expect(await runJob(world, job)).toBe('done');
    expect(doneOf(world, job)).toEqual({
      state: 'done',
      movesPlanned: planned,
      movesDone: planned - 1,
      movesCancelled: 1,
    });
    expect(world.node('a2').chunks).toHaveLength(planned - 1);
    expect(world.problems()).toEqual([]);
  });

  test('in flight is not taken out of its batch', async () => {
    const { world, ports, job, batch } = await rebalancing();
    await pace(ports, job);
    expect(await cancelMove(ports, await foundOf(ports, batch), 0)).toBe('in-flight');
    await work(world);
    expect(await findBatch(ports, 'nothing-000000')).toBeUndefined();
  });

  test('the whole batch given up ends a rebalance', async () => {
    const { world, ports, job, batch } = await rebalancing();
    await cancelBatch(ports, await foundOf(ports, batch));
    expect(await runJob(world, job)).toBe('done');
    expect(world.node('a2').chunks).toEqual([]);
  });
});

test('a job that was cancelled is asked for again, and does what is left', async () => {
  const { world, ports, job, full } = await sent();
  await cancelAllOf(ports, (await readJob(ports.tables, job))!);
  await runJob(world, job);
  const again = await retryJob(ports, (await readJob(ports.tables, job))!);
  if (again.kind === 'blocked') throw new Error('blocked');
  expect(jobOf(world, again.job)).toMatchObject({ kind: 'drain', nodes: [full], state: 'running' });
  expect(await runJob(world, again.job)).toBe('done');
  expect(world.problems()).toEqual([]);
});

describe('what is asked for again is what was asked for:', () => {
  const ended = async (world: World, started: Started): Promise<Job> => {
    if (started.kind === 'blocked') throw new Error('blocked');
    await cancelJob(world.ports, started.job);
    return (await readJob(world.ports.tables, started.job))!;
  };

  test('the slots of a repair', async () => {
    const world = new World();
    await putFiles(world, 1);
    const chunk = chunkId(world.node('a1').chunks[0]!);
    const damaged = [{ chunk, slot: 0, node: nodeId('a1'), version: 1 }];
    const job = await ended(world, await startRepair(world.ports, [], [], damaged));
    const again = await retryJob(world.ports, job);
    if (again.kind === 'blocked') throw new Error('blocked');
    expect(jobOf(world, again.job)).toMatchObject({ kind: 'repair', damaged });
  });

  test('no drain of nodes that are gone: it is told so', async () => {
    const { ports, job } = await moving();
    await cancelAllOf(ports, (await readJob(ports.tables, job))!);
    const drain: Job = { ...(await readJob(ports.tables, job))!, kind: 'drain', nodes: ['n-gone'] };
    const again = await retryJob(ports, drain);
    expect(again).toMatchObject({ blocks: [{ kind: 'unknown-node', node: 'n-gone' }] });
  });

  test('the class and the type of nodes to launch', async () => {
    const world = new World();
    const wanted = {
      launch: { a: 2 },
      launchClass: 'metadata',
      launchType: 'm7g.2xlarge',
    } as const;
    const id = jobId('asked');
    await world.ports.tables.write([
      openJobOp(id, { kind: 'scale-out', ...wanted, reasons: [] }, world.nowMs),
    ]);
    const again = await retryJob(world.ports, await ended(world, { kind: 'started', job: id }));
    if (again.kind === 'blocked') throw new Error('blocked');
    expect(jobOf(world, again.job)).toMatchObject({ kind: 'scale-out', ...wanted });
  });

  test.each([
    ['a deadline that is to come', 3_600_000, 3_600_000],
    ['no deadline that has passed', -1, undefined],
  ])("%s, and a drain's rank", async (_what, inMs, left) => {
    const { world, ports, job, full } = await moving();
    await cancelAllOf(ports, (await readJob(ports.tables, job))!);
    await runJob(world, job);
    const wish = { deadline: world.nowMs + inMs, priority: 9 };
    const drain = await ended(world, await startDrain(ports, [nodeId(full)], [], wish));
    const again = await retryJob(ports, drain);
    if (again.kind === 'blocked') throw new Error('blocked');
    const deadline = left === undefined ? 0 : world.nowMs + left;
    expect(jobOf(world, again.job)).toMatchObject({ kind: 'drain', priority: 9, deadline });
  });
});
