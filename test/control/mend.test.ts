import { expect, test } from 'vitest';
import { chunkKey } from '../../lib/contract/keys.ts';
import { readFleet } from '../../lib/control/fleet.ts';
import { cancelJob } from '../../lib/control/jobs.ts';
import { bytesPerMend, mendAgainMs } from '../../lib/control/limits.ts';
import { mendDamage } from '../../lib/control/mend.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { NodeUnreachable, type Ports, TryLater } from '../../lib/control/ports.ts';
import { damagedPerJobMax, findDamage } from '../../lib/control/scrub.ts';
import { startRepair } from '../../lib/control/start-job.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { watch } from '../../lib/control/watch.ts';
import { chunkId, type JobId, jobId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, jobOf, putFile, putFiles, runJob } from './acts.ts';
import { pairs, World, type WorldOptions } from './world.ts';

/** What nodes find damaged on their own disks is repaired, once. */

const policy = { autoscaling: false, graceMs: 0, parkingMs: 1_000 };
const worldOf = (over: WorldOptions = {}) => new World({ nodes: pairs, policy, ...over });

async function minutes(world: World, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    world.pass(60_000);
    await watch(world.ports);
  }
}

/** Jobs that were started, in their order. */
const repairs = ({ started }: World): JobId[] => [...new Set(started.map(([, job]) => jobId(job)))];

/** Slots that a job is to repair, as `node: chunk`. */
const namedBy = (world: World, job: JobId) =>
  jobOf(world, job).damaged.map(({ node, chunk }) => `${node}: ${chunk}`);

/** A file of one chunk whose first holder has lost a bit of it, and told so. */
async function rotten(world: World, path = 'f'): Promise<{ chunk: string; node: string }> {
  const [chunk] = await putFile(world, path, `content of ${path}`);
  const [node] = world.placement(chunk!)!.holders;
  world.node(node!).rot(chunk!);
  return { chunk: chunk!, node: node! };
}

test('what a node tells of is repaired elsewhere, by one job with its reason, and then it is over', async () => {
  const world = worldOf();
  await putFiles(world, 6);
  const { chunk, node } = await rotten(world);
  await minutes(world, 3);
  const [job, ...others] = repairs(world);
  expect(others).toEqual([]);
  expect(jobOf(world, job!)).toMatchObject({
    kind: 'repair',
    damaged: [{ chunk, slot: 0, node }],
    reasons: [`the scrub of ${node} found 1 damaged slot`],
  });
  expect(await contentOf(world, 'f')).toBe('content of f');
  expect(await runJob(world, job!)).toBe('done');
  expect(world.placement(chunk)!.holders).not.toContain(node);
  expect(world.problems()).toEqual([]);
  await minutes(world, 2);
  await sweep(world.ports, []);
  expect(world.node(node).damagedCopies).toEqual([]);
  await minutes(world, 90);
  expect(repairs(world)).toEqual([job]);
});

test('one job names what several nodes tell of, and a running repair is left to what it names', async () => {
  const world = worldOf();
  const first = await rotten(world, 'f0');
  const { version } = world.placement(first.chunk)!;
  const byHand = { chunk: chunkId(first.chunk), slot: 0, node: nodeId(first.node), version };
  await startRepair(world.ports, [], [], [byHand]);
  const second = await rotten(world, 'f1');
  const third = await rotten(world, 'f2');
  await minutes(world, 2);
  const [, job, ...others] = repairs(world);
  expect(others).toEqual([]);
  const told = [second, third].map(({ node, chunk }) => `${node}: ${chunk}`);
  expect(namedBy(world, job!).sort()).toEqual(told.sort());
});

test('a repair that cannot mend waits, alone, and mends once there is room', async () => {
  // Not room for the new bytes beside the old.
  const world = worldOf({ nodes: { a1: 'a', b1: 'b', c1: 'c' }, capacityBytes: 20 });
  const { chunk, node } = await rotten(world);
  await minutes(world, 1);
  const [job] = repairs(world);
  for (let i = 0; i < 5; i++) {
    expect(await planJob(world.ports, job!)).toMatchObject({ verdict: 'blocked' });
    await minutes(world, 1);
  }
  await minutes(world, 2 * (mendAgainMs / 60_000));
  expect(repairs(world)).toEqual([job]);
  world.enrol('x1', world.record(node)!.zone as string);
  expect(await runJob(world, job!)).toBe('done');
  expect(world.placement(chunk)!.holders).not.toContain(node);
});

test('one that was given up is not begun again for an hour, and then once', async () => {
  const world = worldOf();
  await rotten(world);
  await minutes(world, 1);
  const [job] = repairs(world);
  await cancelJob(world.ports, job!);
  await minutes(world, mendAgainMs / 60_000 - 1);
  expect(repairs(world)).toEqual([job]);
  await minutes(world, 2);
  expect(repairs(world)).toHaveLength(2);
});

test('a node that accuses sound copies, orphans or removed chunks starts nothing, and hides nothing', async () => {
  const world = worldOf();
  const [sound] = await putFile(world, 'f0', 'sound');
  const [moved] = await putFile(world, 'f1', 'moved');
  const accuser = world.placement(sound!)!.holders[0]!;
  world.node(accuser).damaged.set(sound!, 'checksum');
  const other = [...world.nodes.keys()].find(
    (id) => !world.placement(moved!)!.holders.includes(id),
  )!;
  world.node(other).write(moved!, 0, 9, new Uint8Array(3), world.nowMs);
  world.node(other).damaged.set(moved!, 'checksum');
  world.node(other).write('0'.repeat(64), 0, 9, new Uint8Array(3), world.nowMs);
  world.node(other).damaged.set('0'.repeat(64), 'unreadable');
  await minutes(world, 3);
  expect(repairs(world)).toEqual([]);
  const { chunk, node } = await rotten(world, 'f2');
  await minutes(world, 1);
  expect(repairs(world).map((job) => namedBy(world, job))).toEqual([[`${node}: ${chunk}`]]);
});

test.each([
  ['unreadable', 1],
  ['checksum', 0],
] as const)(
  'an answer that breaks off is damage where the node calls the copy %s: %i',
  async (reason, jobs) => {
    let broken = '';
    const breaking = (ports: Ports): Ports => ({
      ...ports,
      nodes: {
        ...ports.nodes,
        read: async (from, chunk) => {
          if (chunk === broken) throw new NodeUnreachable('the answer broke off');
          return ports.nodes.read(from, chunk);
        },
      },
    });
    const world = worldOf({ wrap: breaking });
    const { chunk, node } = await rotten(world);
    world.node(node).damaged.set(chunk, reason);
    broken = chunk;
    await minutes(world, 1);
    expect(repairs(world)).toHaveLength(jobs);
  },
);

test('of two looks at the same time one starts the repair, also when the other is late', async () => {
  const world = worldOf();
  await rotten(world);
  world.pass(1);
  const fleet = await readFleet(world.ports.tables);
  world.beforeDamaged = async () => {
    world.beforeDamaged = () => {};
    await mendDamage(world.ports, fleet);
  };
  await mendDamage(world.ports, fleet);
  expect(repairs(world)).toHaveLength(1);
  await mendDamage(world.ports, fleet);
  expect(repairs(world)).toHaveLength(1);
});

test('a look that is killed once the job is written is made good by the next', async () => {
  let kills = 1;
  const killed = (ports: Ports): Ports => ({
    ...ports,
    workflows: {
      start: async (workflow, job) => {
        if (kills-- > 0) throw new TryLater('killed');
        return ports.workflows.start(workflow, job);
      },
    },
  });
  const world = worldOf({ wrap: killed });
  await rotten(world);
  world.pass(60_000);
  await expect(watch(world.ports)).rejects.toThrow('killed');
  expect(repairs(world)).toEqual([]);
  await minutes(world, 2);
  expect(repairs(world)).toHaveLength(1);
});

test('a node that does not answer keeps nobody from being mended', async () => {
  const world = worldOf();
  const silent = await rotten(world, 'f0');
  let other = await rotten(world, 'f1');
  for (let i = 2; other.node === silent.node; i++) other = await rotten(world, `f${i}`);
  world.pass(1);
  world.beforeDamaged = (node) => {
    if (node === silent.node) throw new NodeUnreachable('no answer');
  };
  await watch(world.ports);
  expect(world.logged).toContain('damage-untold');
  expect(namedBy(world, repairs(world)[0]!)).toContain(`${other.node}: ${other.chunk}`);
  world.beforeDamaged = () => {};
  await minutes(world, 1);
  expect(namedBy(world, repairs(world)[1]!)).toContain(`${silent.node}: ${silent.chunk}`);
});

test('one look reads only so much, and the next begins elsewhere: nothing is kept from its turn', async () => {
  const world = worldOf({ nodes: { a1: 'a', a2: 'a', b1: 'b', c1: 'c' } });
  for (const path of ['f0', 'f1', 'f2', 'f3']) await putFile(world, path, path);
  const [sound, ...bad] = world.node('b1').chunks.sort();
  world.node('b1').damaged.set(sound!, 'checksum');
  for (const chunk of bad) world.node('b1').rot(chunk);
  for (const chunk of [sound!, ...bad]) {
    const size = 0.6 * bytesPerMend;
    world.store.write([{ op: 'update', key: chunkKey(chunkId(chunk)), set: { size } }]);
  }
  await minutes(world, 10);
  const named = repairs(world).map((job) => namedBy(world, job));
  expect(named.map(({ length }) => length)).toEqual([1, 1, 1]);
  expect(named.flat().sort()).toEqual(bad.map((chunk) => `b1: ${chunk}`));
});

test('a whole disk of damage is named by as many jobs as it needs, one a look', async () => {
  const world = worldOf({ capacityBytes: 100_000 });
  await putFiles(world, 2 * damagedPerJobMax + 90);
  const { chunks } = world.node('b1');
  for (const chunk of chunks) world.node('b1').rot(chunk);
  expect(chunks.length).toBeGreaterThan(damagedPerJobMax);
  await minutes(world, 4);
  const named = repairs(world).map((job) => namedBy(world, job));
  expect(named.map(({ length }) => length)).toEqual([
    damagedPerJobMax,
    chunks.length - damagedPerJobMax,
  ]);
  expect(new Set(named.flat()).size).toBe(chunks.length);
  const found = await findDamage(world.ports, chunks.slice(0, 5).map(chunkId));
  expect(found).toHaveLength(5);
});
