import { expect, test } from 'vitest';
import {
  inventoryKey,
  outboxPartition,
  trashKey,
  trashPartition,
} from '../../lib/contract/keys.ts';
import { collect, tryCollect } from '../../lib/control/collect.ts';
import { removeFiles } from '../../lib/control/files.ts';
import { readNodes } from '../../lib/control/fleet.ts';
import { orphanAgeMs } from '../../lib/control/limits.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { type ChunkId, chunkId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, placeFile, putFile, putFiles } from './acts.ts';
import { pairs, World } from './world.ts';

const view = async (world: World, name: string) =>
  (await readNodes(world.ports.tables)).find(({ id }) => id === name)!;

const collectAll = async (world: World, age = orphanAgeMs) => {
  let collected = 0;
  for (const { id } of world.nodes.values())
    collected += await collect(world.ports, await view(world, id), age);
  return collected;
};

/** As a commit does it: `to` instead of `from`, and the row that will delete the copy. */
function moveAway(world: World, chunk: string, from: string, to: string): void {
  const record = world.placement(chunk)!;
  const slot = record.holders.indexOf(from);
  const holders = record.holders.map((holder) => (holder === from ? to : holder));
  const bytes = world.node(from).shelves.get(chunk)!.copy!.bytes;
  world.node(to).write(chunk, slot, record.version + 1, bytes, world.nowMs);
  world.store.write([
    {
      op: 'update',
      key: { table: 'placement', pk: `C#${chunk}`, sk: 'C' },
      set: { holders, version: record.version + 1 },
    },
    {
      op: 'put',
      key: inventoryKey(nodeId(to), `op${record.version}`),
      fields: { chunks: [chunk] },
    },
    {
      op: 'put',
      key: { table: 'placement', pk: outboxPartition(nodeId(from)), sk: `op${record.version}` },
      fields: { chunks: [chunk], versions: [], notBefore: world.nowMs + 1_000 },
    },
  ]);
}

const spare = (world: World, chunk: string) => {
  const { holders } = world.placement(chunk)!;
  const from = holders.find((holder) => holder.startsWith('a'))!;
  return { from, to: from === 'a1' ? 'a2' : 'a1' };
};

test('copies that no commit named go once they are old, and no late commit can name them', async () => {
  const world = new World({ pageItems: 1 });
  const file = await placeFile(world, 'f', ['x', 'y']);
  expect(await collectAll(world)).toBe(0);
  world.pass(orphanAgeMs);
  expect(await collectAll(world)).toBe(6);
  expect(world.orphans()).toEqual([]);
  for (const { chunk } of file.chunks) {
    expect(world.placement(chunk)).toMatchObject({ state: 'removed', holders: [] });
  }
  expect(await collectAll(world)).toBe(0);
});

test('copies that the placement names stay, however old', async () => {
  const world = new World();
  await putFiles(world, 5);
  world.pass(10 * orphanAgeMs);
  expect(await collectAll(world)).toBe(0);
  expect(world.problems()).toEqual([]);
});

test('an orphan of a living chunk goes only after the version rose', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { to } = spare(world, chunk!);
  world.node(to).write(chunk!, 0, 2, Uint8Array.of(120), world.nowMs);
  world.pass(orphanAgeMs);
  expect(await collectAll(world)).toBe(1);
  expect(world.placement(chunk!)).toMatchObject({ state: 'live', version: 2 });
  expect(world.problems()).toEqual([]);
});

test('a commit that comes while a copy is collected wins, and keeps its copy', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  world.node(to).write(chunk!, 0, 2, Uint8Array.of(120), world.nowMs);
  world.pass(orphanAgeMs);
  world.beforeWrite = () => {
    world.beforeWrite = () => {};
    moveAway(world, chunk!, from, to);
  };
  expect(await collect(world.ports, await view(world, to), orphanAgeMs)).toBe(0);
  expect(world.problems()).toEqual([]);
});

test('a copy that moves away while it is looked at is parked, not collected', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  world.pass(2 * orphanAgeMs);
  const node = await view(world, from);
  const { held } = world.ports.nodes;
  const ports = {
    ...world.ports,
    nodes: {
      ...world.ports.nodes,
      held: async (...args: Parameters<typeof held>) => {
        const page = await held(...args);
        moveAway(world, chunk!, from, to);
        return page;
      },
    },
  };
  expect(await collect(ports, node, orphanAgeMs)).toBe(0);
  expect(world.node(from).chunks).toContain(chunk);
  world.pass(1_000);
  await sweep(world.ports, [nodeId(from)]);
  expect(world.node(from).chunks).not.toContain(chunk);
});

test('an orphan whose tombstone was forgotten goes below its own fence', async () => {
  const world = new World();
  const stray = 'e'.repeat(64);
  world.node('a1').write(stray, 0, 7, Uint8Array.of(1), world.nowMs);
  world.pass(orphanAgeMs);
  expect(await collectAll(world)).toBe(1);
  expect(world.placement(stray)).toMatchObject({ state: 'removed', version: 7 });
});

test('a node that does not answer is collected another time', async () => {
  const world = new World();
  const node = await view(world, 'a1');
  world.node('a1').isUp = false;
  expect(await tryCollect(world.ports, node, 0)).toBe(0);
  const broken = { ...world.ports.nodes, held: () => Promise.reject(new TypeError('a bug')) };
  await expect(tryCollect({ ...world.ports, nodes: broken }, node, 0)).rejects.toThrow('a bug');
});

test('a copy that came back while it was parked stays', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  moveAway(world, chunk!, from, to);
  moveAway(world, chunk!, to, from);
  world.pass(1_000);
  await sweep(world.ports, []);
  expect(world.node(from).chunks).toContain(chunk);
  expect(world.node(to).chunks).not.toContain(chunk);
  expect(world.problems()).toEqual([]);
});

test('a copy that came back and left again is parked anew', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  moveAway(world, chunk!, from, to);
  world.nowMs += 900;
  moveAway(world, chunk!, to, from);
  moveAway(world, chunk!, from, to);
  world.nowMs += 100;
  await sweep(world.ports, [nodeId(from)]);
  expect(world.node(from).chunks).toContain(chunk);
  world.nowMs += 900;
  await sweep(world.ports, []);
  expect(world.orphans()).toEqual([]);
});

test('a delete that stalls while the copy comes back destroys nothing', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  moveAway(world, chunk!, from, to);
  world.pass(1_000);
  world.beforeRemove = () => {
    world.beforeRemove = () => {};
    moveAway(world, chunk!, to, from);
  };
  await sweep(world.ports, [nodeId(from)]);
  expect(world.node(from).chunks).toContain(chunk);
  expect(world.problems()).toEqual([]);
});

test('a node that does not answer keeps its outbox until it does', async () => {
  const world = new World({ nodes: pairs, pageItems: 1 });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  moveAway(world, chunk!, from, to);
  world.pass(1_000);
  world.node(from).isUp = false;
  await sweep(world.ports, []);
  expect(world.store.all('placement', outboxPartition(nodeId(from)))).toHaveLength(1);
  world.node(from).isUp = true;
  await sweep(world.ports, []);
  expect(world.store.all('placement', outboxPartition(nodeId(from)))).toEqual([]);
  expect(world.orphans()).toEqual([]);
  world.beforeRemove = () => {
    throw new TypeError('a bug');
  };
  moveAway(world, chunk!, to, from);
  world.pass(1_000);
  await expect(sweep(world.ports, [])).rejects.toThrow('a bug');
});

test('trash of a chunk that moves meanwhile is removed from where it is now', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  const { from, to } = spare(world, chunk!);
  await removeFiles(world.ports, ['f']);
  world.beforeWrite = () => {
    world.beforeWrite = () => {};
    moveAway(world, chunk!, from, to);
  };
  await sweep(world.ports, []);
  expect(world.placement(chunk!)).toMatchObject({ state: 'removed' });
  expect(world.store.all('placement', trashPartition)).toEqual([]);
  world.pass(world.ports.policy.parkingMs);
  await sweep(world.ports, []);
  expect(world.orphans()).toEqual([]);
  expect(world.problems()).toEqual([]);
});

test('trash that moves too fast is seen again in seconds', async () => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'x');
  await removeFiles(world.ports, ['f']);
  world.beforeWrite = () => {
    const { from, to } = spare(world, chunk!);
    moveAway(world, chunk!, from, to);
  };
  await sweep(world.ports, []);
  expect(world.store.all('placement', trashPartition)).toHaveLength(1);
  world.beforeWrite = () => {};
  expect(world.sweeps.at(-1)).toEqual({ nodes: [], delayMs: 5_000 });
  world.pass(5_000);
  await sweep(world.ports, []);
  expect(world.placement(chunk!)?.state).toBe('removed');
  expect(world.store.all('placement', trashPartition)).toEqual([]);
});

test('rows of the trash that name one chunk twice hold nothing up, on pages of one', async () => {
  const world = new World({ pageItems: 1 });
  const chunks = await putFile(world, 'f', 'x', 'y');
  await putFile(world, 'g', 'stays');
  await removeFiles(world.ports, ['f']);
  const fields = {
    chunks: [...chunks, ...['d', 'd'].map((c) => c.repeat(64))],
    notBefore: 0,
    claimedUntil: 0,
  };
  world.store.write([{ op: 'put', key: trashKey('again'), fields }]);
  await sweep(world.ports, []);
  expect(world.store.all('placement', trashPartition)).toEqual([]);
  world.pass(world.ports.policy.parkingMs);
  await sweep(world.ports, []);
  expect(world.orphans()).toEqual([]);
  expect(await contentOf(world, 'g')).toBe('stays');
  expect(world.placement('d'.repeat(64) as ChunkId)).toMatchObject({ state: 'removed' });
});

test('a trash emptier that is killed between two transactions is simply run again', async () => {
  const world = new World();
  const chunks = await putFile(world, 'f', ...Array.from({ length: 140 }, (_, i) => `${i}`));
  await removeFiles(world.ports, ['f']);
  let writes = 0;
  world.beforeWrite = () => {
    if (++writes === 3) throw new Error('killed');
  };
  await expect(sweep(world.ports, [])).rejects.toThrow('killed');
  const removed = chunks.filter((chunk) => world.placement(chunk)?.state === 'removed');
  expect(removed.length).toBeGreaterThan(0);
  expect(removed.length).toBeLessThan(140);
  world.beforeWrite = () => {};
  await sweep(world.ports, []);
  expect(world.store.all('placement', trashPartition)).toHaveLength(1);
  world.pass(60_000);
  await Promise.all([sweep(world.ports, []), sweep(world.ports, [])]);
  expect(world.store.all('placement', trashPartition)).toEqual([]);
  world.pass(world.ports.policy.parkingMs);
  await sweep(world.ports, []);
  expect(world.orphans()).toEqual([]);
  expect(chunks.every((chunk) => world.placement(chunkId(chunk))?.state === 'removed')).toBe(true);
});
