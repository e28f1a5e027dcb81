import { expect, test } from 'vitest';
import { outboxPartition } from '../../lib/contract/keys.ts';
import { cancelJob } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { undrain } from '../../lib/control/undrain.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { contentOf, forever, jobOf, runJob, take, work } from './acts.ts';
import { moving, sent } from './moving.ts';
import type { World } from './world.ts';

const files = 200;

/** A drain of which about a half has moved: the rest waits or is not sent. */
async function halfDrained(options: Parameters<typeof sent>[0] = {}) {
  const setting = await sent(options, files);
  const held = setting.world.node(setting.full).chunks;
  await migrate(setting.ports, setting.message, forever);
  setting.world.messages.splice(0);
  const moved = held.filter(
    (chunk) => !setting.world.placement(chunk)!.holders.includes(setting.full),
  );
  expect(moved.length).toBeGreaterThan(held.length / 3);
  return { ...setting, held, moved };
}

const rowsOn = ({ store }: World, node: string) =>
  store.all('placement', outboxPartition(nodeId(node)));
const holds = (world: World, node: string, chunks: readonly string[]) =>
  chunks.filter((chunk) => world.placement(chunk)!.holders.includes(node));

/** Every file reads, every copy is where the placement says, and nothing is left over. */
async function allIsWell(world: World): Promise<void> {
  world.pass(world.ports.policy.parkingMs + 1);
  await sweep(world.ports, []);
  expect(world.problems()).toEqual([]);
  expect(world.orphans()).toEqual([]);
  for (let i = 0; i < files; i++) expect(await contentOf(world, `f${i}`)).toBe(`content of ${i}`);
}

/** Bytes that went over the network from now on. */
function bytesCarried(world: World): () => number {
  let carried = 0;
  world.beforePullEvent = (event) => {
    if (event.event === 'received') carried += event.receipt.size;
  };
  return () => carried;
}

test('an undrain in the middle of a drain moves no byte, and every file verifies', async () => {
  const { world, ports, job, full, held, moved } = await halfDrained();
  const carried = bytesCarried(world);
  expect(await undrain(ports, nodeId(full))).toBe('undrained');
  expect(await runJob(world, job)).toBe('cancelled');
  await work(world);
  await sweep(ports, [nodeId(full)]);
  expect(world.state(full)).toBe('active');
  expect(holds(world, full, held)).toEqual(held);
  expect(carried()).toBe(0);
  expect(rowsOn(world, full)).toEqual([]);
  expect(jobOf(world, job)).toMatchObject({ movesRestored: moved.length, undo: true });
  expect(jobOf(world, job).bytesRestored).toBeGreaterThan(moved.length);
  await allIsWell(world);
  expect(carried()).toBe(0);
});

test('a parked copy outlives its parking while its node drains', async () => {
  const { world, ports, full, moved } = await halfDrained();
  world.pass(10 * ports.policy.parkingMs);
  await sweep(ports, []);
  expect(world.node(full).chunks).toEqual(expect.arrayContaining(moved));
  await undrain(ports, nodeId(full));
  await sweep(ports, []);
  expect(holds(world, full, moved)).toEqual(moved);
  await allIsWell(world);
});

test('a drain that is cancelled, not undone, gives nothing back', async () => {
  const { world, ports, job, full, moved } = await halfDrained();
  await cancelJob(ports, job);
  await runJob(world, job);
  await sweep(ports, []);
  expect(holds(world, full, moved)).toEqual([]);
  await allIsWell(world);
});

test('an undrain still reaches a drain that was cancelled before', async () => {
  const { world, ports, job, full, moved } = await halfDrained();
  await cancelJob(ports, job);
  expect(await undrain(ports, nodeId(full))).toBe('undrained');
  await sweep(ports, []);
  expect(holds(world, full, moved)).toEqual(moved);
});

test('what flies while the drain is undone is restored once it has landed', async () => {
  const { world, ports, job, full } = await sent({}, files);
  const held = world.node(full).chunks;
  await undrain(ports, nodeId(full));
  await runJob(world, job);
  await work(world);
  await sweep(ports, []);
  expect(holds(world, full, held)).toEqual(held);
  await allIsWell(world);
});

test('a delete that stalls over the undrain is refused by the fence', async () => {
  const { world, ports, full, moved } = await halfDrained();
  const versions = moved.map((chunk) => world.placement(chunk)!.version);
  await undrain(ports, nodeId(full));
  await sweep(ports, [nodeId(full)]);
  const late = moved.map((chunk, i) => world.node(full).unlink(chunk, versions[i]!).outcome);
  expect(new Set(late)).toEqual(new Set(['below-fence']));
  await allIsWell(world);
});

test('a copy that was deleted, rotted or is on another disk stays where it moved to', async () => {
  const { world, ports, full, to, moved } = await halfDrained();
  const [gone, rotten] = moved as [string, string];
  world.node(full).unlink(gone, world.placement(gone)!.version);
  world.node(full).shelves.get(rotten)!.copy!.bytes = new TextEncoder().encode('rot');
  await undrain(ports, nodeId(full));
  await sweep(ports, [nodeId(full)]);
  expect(holds(world, to, [gone, rotten])).toEqual([gone, rotten]);
  expect(holds(world, full, moved)).toEqual(moved.slice(2));
  await allIsWell(world);
});

test('receipts of another disk restore nothing', async () => {
  const { world, ports, full, moved } = await halfDrained();
  await undrain(ports, nodeId(full));
  world.node(full).incarnation = 'another disk';
  await sweep(ports, [nodeId(full)]);
  expect(holds(world, full, moved)).toEqual([]);
});

test.each(['renew', 'write'])('killed before its %s, a restoring is run again', async (at) => {
  const { world, ports, job, full, held } = await halfDrained();
  await undrain(ports, nodeId(full));
  let left = 2;
  const dies = () => {
    if (--left === 0) throw new Error('killed');
  };
  if (at === 'renew') world.beforeRenew = dies;
  else world.beforeWrite = dies;
  await expect(sweep(ports, [nodeId(full)])).rejects.toThrow('killed');
  world.beforeRenew = world.beforeWrite = () => {};
  await runJob(world, job);
  await Promise.all([sweep(ports, [nodeId(full)]), sweep(ports, [nodeId(full)])]);
  await sweep(ports, []);
  expect(holds(world, full, held)).toEqual(held);
  await allIsWell(world);
});

test('a chunk that moves on while it is read back is left alone, and restored from where it is', async () => {
  const { world, ports, full, moved } = await halfDrained();
  await undrain(ports, nodeId(full));
  let chunk = '';
  world.beforeRenew = (renewals) => {
    world.beforeRenew = () => {};
    chunk = renewals[0]!.chunk;
    const key = { table: 'placement', pk: `C#${chunk}`, sk: 'C' } as const;
    world.store.write([{ op: 'update', key, add: { version: 1 } }]);
  };
  await sweep(ports, [nodeId(full)]);
  expect(holds(world, full, [chunk])).toEqual([]);
  await sweep(ports, [nodeId(full)]);
  expect(holds(world, full, moved)).toEqual(moved);
});

test('a node that drains again meanwhile gets nothing back', async () => {
  const { world, ports, full, moved } = await halfDrained();
  await undrain(ports, nodeId(full));
  world.beforeRenew = async () => {
    world.beforeRenew = () => {};
    const again = await startDrain(ports, [nodeId(full)], []);
    if (again.kind === 'blocked') throw new Error('blocked');
    await runJob(world, again.job, { until: 'connections' });
  };
  await sweep(ports, [nodeId(full)]);
  expect(world.state(full)).toBe('draining');
  expect(holds(world, full, moved)).toEqual([]);
});

test('a node that does not answer keeps its rows for later', async () => {
  const { world, ports, full, moved } = await halfDrained();
  await undrain(ports, nodeId(full));
  world.node(full).isUp = false;
  await sweep(ports, []);
  expect(rowsOn(world, full).length).toBeGreaterThan(0);
  world.node(full).isUp = true;
  await sweep(ports, []);
  expect(holds(world, full, moved)).toEqual(moved);
});

test('a move of another job before the drain is not undone with it', async () => {
  const { world, ports, full, to } = await moving({}, files);
  const rebalanced = { table: 'placement', pk: outboxPartition(nodeId(full)), sk: 'ELSE' } as const;
  const fields = { chunks: ['ff'], versions: [], slots: [0], job: 'ELSE', notBefore: 0 };
  world.store.write([{ op: 'put', key: rebalanced, fields }]);
  await pace(ports);
  await migrate(ports, take(world.messages), forever);
  await undrain(ports, nodeId(full));
  await sweep(ports, [nodeId(full)]);
  expect(world.store.get(rebalanced)).toBeUndefined();
  expect(world.state(to)).toBe('active');
});
