import { expect, test } from 'vitest';
import { outboxPartition } from '../../lib/contract/keys.ts';
import type { BatchMessage } from '../../lib/contract/messages.ts';
import { cancelAllOf } from '../../lib/control/cancel.ts';
import { readJob } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { findDamage } from '../../lib/control/scrub.ts';
import { startRepair } from '../../lib/control/start-job.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { chunkId, type JobId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, forever, jobOf, putFile, runJob, take, work } from './acts.ts';
import { fourTwo, putCoded, threeZones, unreadable } from './coded.ts';
import { hashOf, World, type WorldOptions } from './world.ts';

/** Where no other node of its zone may have a damaged slot, its holder writes it anew. */

const policy = { autoscaling: false, graceMs: 0, parkingMs: 1_000 };
const three = { a1: 'a', b1: 'b', c1: 'c' };

interface Rotten {
  readonly world: World;
  readonly job: JobId;
  readonly chunk: string;
  readonly node: string;
}

/** One copy a zone, one of them rotten, and the repair that names it. */
async function rotten(options: WorldOptions = {}): Promise<Rotten> {
  const world = new World({ nodes: three, policy, ...options });
  const [chunk] = await putFile(world, 'f', 'content of f');
  const [node] = world.placement(chunk!)!.holders;
  world.node(node!).rot(chunk!);
  const found = await findDamage(world.ports, [chunkId(chunk!)]);
  const started = await startRepair(world.ports, [], ['rot'], found);
  if (started.kind !== 'started') throw new Error('a repair is never blocked at its start');
  return { world, job: started.job, chunk: chunk!, node: node! };
}

async function sent({ world, job }: Rotten): Promise<BatchMessage> {
  expect(await planJob(world.ports, job)).toMatchObject({ verdict: 'moves' });
  await pace(world.ports, job);
  return take(world.messages);
}

const parkedOn = ({ world, node }: Rotten) =>
  world.store.all('placement', outboxPartition(nodeId(node)));

test('the holder keeps its slot, under a new version, with the right bytes, and parks nothing', async () => {
  const bad = await rotten();
  const { world, job, chunk, node } = bad;
  const before = world.placement(chunk)!;
  expect(await runJob(world, job)).toBe('done');
  expect(world.placement(chunk)).toMatchObject({
    holders: before.holders,
    version: before.version + 1,
  });
  expect(jobOf(world, job)).toMatchObject({
    ...{ movesPlanned: 1, movesDone: 1, movesRetried: 0, bytesDone: 12, bytesMinimum: 12 },
  });
  expect(parkedOn(bad)).toEqual([]);
  expect(world.sweeps).toEqual([]);
  expect(world.node(node).damagedCopies).toEqual([]);
  await sweep(world.ports, [nodeId(node)]);
  expect([...world.problems(), ...world.orphans()]).toEqual([]);
  expect(await contentOf(world, 'f')).toBe('content of f');
});

test('a worker that dies once the bytes are there, or once they are committed, is made good', async () => {
  for (const dies of ['before its commit', 'after its commit']) {
    const bad = await rotten();
    const { world, job, chunk } = bad;
    const message = await sent(bad);
    const die = (): never => {
      world.beforeWrite = () => {};
      world.afterWrite = () => {};
      throw new Error('killed');
    };
    if (dies === 'before its commit') world.beforeWrite = die;
    else world.afterWrite = die;
    await expect(migrate(world.ports, message, forever)).rejects.toThrow('killed');
    await migrate(world.ports, message, forever);
    await work(world);
    expect(await runJob(world, job)).toBe('done');
    expect(jobOf(world, job)).toMatchObject({ movesDone: 1, bytesDone: 12 });
    expect(world.problems()).toEqual([]);
    expect(await contentOf(world, 'f')).toBe('content of f');
    expect(world.node(bad.node).shelves.get(chunk)!.copy!.epoch).toBe(
      world.placement(chunk)!.version,
    );
  }
});

test('a disk that erred is given nothing: the repair waits for another node', async () => {
  const { world, job, chunk, node } = await rotten();
  world.beat(node, { diskSuspect: true });
  expect(await planJob(world.ports, job)).toMatchObject({ verdict: 'blocked' });
  const zone = world.record(node)!.zone as string;
  world.enrol('x1', zone);
  expect(await planJob(world.ports, job)).toMatchObject({ verdict: 'moves' });
  await pace(world.ports, job);
  await work(world);
  expect(world.placement(chunk)!.holders).toContain('x1');
});

test('a message that comes again when it is over changes nothing', async () => {
  const bad = await rotten();
  const { world, chunk } = bad;
  const message = await sent(bad);
  await migrate(world.ports, message, forever);
  const after = world.placement(chunk);
  await migrate(world.ports, message, forever);
  expect(world.placement(chunk)).toEqual(after);
});

test('where another slot of the chunk moved meanwhile, it is mended under the version that is', async () => {
  const bad = await rotten();
  const { world, job, chunk } = bad;
  const message = await sent(bad);
  const { version } = world.placement(chunk)!;
  world.store.write([
    {
      op: 'update',
      key: { table: 'placement', pk: `C#${chunk}`, sk: 'C' },
      set: { version: version + 1 },
    },
  ]);
  await migrate(world.ports, message, forever);
  expect(world.placement(chunk)!.version).toBe(version + 1);
  expect(world.node(bad.node).damagedCopies).toHaveLength(1);
  expect(await runJob(world, job)).toBe('done');
  expect(world.placement(chunk)!.version).toBe(version + 2);
  expect(world.problems()).toEqual([]);
});

test('what others mended is not copied again', async () => {
  const bad = await rotten();
  const { world, job, chunk, node } = bad;
  const { version, holders } = world.placement(chunk)!;
  const { bytes } = world.node(holders[1]!).shelves.get(chunk)!.copy!;
  world.node(node).write(chunk, 0, version + 1, bytes, world.nowMs);
  world.store.write([
    {
      op: 'update',
      key: { table: 'placement', pk: `C#${chunk}`, sk: 'C' },
      set: { version: version + 1 },
    },
  ]);
  expect(await runJob(world, job)).toBe('done');
  expect(jobOf(world, job)).toMatchObject({ movesPlanned: 0 });
});

test('a repair that is cancelled in its middle leaves the holder its copy', async () => {
  const bad = await rotten();
  const { world, job, chunk, node } = bad;
  const message = await sent(bad);
  world.beforePullEvent = async () => {
    world.beforePullEvent = () => {};
    await cancelAllOf(world.ports, (await readJob(world.ports.tables, job))!);
  };
  await migrate(world.ports, message, forever);
  expect(world.placement(chunk)!.holders).toContain(node);
  expect(world.node(node).chunks).toContain(chunk);
  expect(await contentOf(world, 'f')).toBe('content of f');
});

test('a shard is rebuilt on the node that has it', async () => {
  const world = new World({ nodes: threeZones(6), policy });
  const chunks = await putCoded(world, fourTwo, [1_000]);
  const { holders, shards } = world.placement(chunks[0]!)!;
  for (const slot of [1, 4]) world.node(holders[slot]!).rot(chunks[0]!);
  const found = await findDamage(world.ports, chunks);
  expect(found).toHaveLength(2);
  const started = await startRepair(world.ports, [], ['rot'], found);
  expect(started.kind === 'started' && (await runJob(world, started.job))).toBe('done');
  expect(world.placement(chunks[0]!)!.holders).toEqual(holders);
  for (const slot of [1, 4]) {
    const { copy } = world.node(holders[slot]!).shelves.get(chunks[0]!)!;
    expect(hashOf(copy!.bytes)).toBe(shards[slot]);
  }
  expect(await unreadable(world, chunks, [1_000])).toEqual([]);
});
