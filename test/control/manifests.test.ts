import { describe, expect, test } from 'vitest';
import { takeAccount } from '../../lib/cli/demo/account.ts';
import { chunkKey, trashPartition } from '../../lib/contract/keys.ts';
import { tryCollect } from '../../lib/control/collect.ts';
import { commitFiles, findFile, removeFiles } from '../../lib/control/files.ts';
import { readFleet } from '../../lib/control/fleet.ts';
import { orphanAgeMs, uploadMs } from '../../lib/control/limits.ts';
import { neededChunks } from '../../lib/control/manifest.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { NoRoom } from '../../lib/control/store.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, jobOf, placeFile, putFile, runJob } from './acts.ts';
import { loseAndRepair } from './coded.ts';
import { pairs, World, type WorldOptions } from './world.ts';

/** A world in which five chunks fit a record. */
const small = (options: WorldOptions = {}) =>
  new World({
    capacityBytes: 1_000_000,
    ...options,
    policy: { chunksPerRecordMax: 5, graceMs: 0, autoscaling: false, ...options.policy },
  });

const lettersOf = (count: number, word = '') =>
  Array.from({ length: count }, (_, i) => `<${word}${i}>`);

const liveChunks = (world: World): string[] =>
  [...world.store.items('placement')]
    .filter(({ sk, state }) => sk === 'C' && state === 'live')
    .map(({ pk }) => pk.slice(2));

const manifestOf = async (world: World, path: string): Promise<string[]> => {
  const record = await findFile(world.ports.tables, path);
  return record!.manifest.map(({ id }) => id);
};

async function needed(world: World, path: string): Promise<readonly string[]> {
  const { ports } = world;
  const record = await findFile(ports.tables, path);
  if (record === undefined) return [];
  return neededChunks(ports, await readFleet(ports.tables), record);
}

/** Lets intents, trash, parked and forgotten copies come to their end. */
async function settle(world: World): Promise<void> {
  world.pass(uploadMs + orphanAgeMs);
  for (let i = 0; i < 3; i++) {
    await sweep(world.ports, []);
    for (const node of await readFleet(world.ports.tables))
      await tryCollect(world.ports, node, orphanAgeMs);
    world.pass(world.ports.policy.parkingMs);
  }
}

/** Nothing is stored that no file needs, and nothing that a file needs is missing. */
async function expectExact(world: World, ...paths: string[]): Promise<void> {
  const wanted = (await Promise.all(paths.map((path) => needed(world, path)))).flat();
  expect(liveChunks(world).sort()).toEqual([...wanted].sort());
  const left = [...world.orphans(), ...world.store.all('placement', trashPartition)];
  expect([...world.problems(), ...left]).toEqual([]);
}

test('a file of 5,001 chunks is stored, read and replaced, and leaves nothing', async () => {
  const world = new World({ capacityBytes: 10_000_000, pageItems: 10_000 });
  const letters = lettersOf(5_001);
  await commitFiles(world.ports, [await placeFile(world, 'f', letters, 1)]);
  const record = await findFile(world.ports.tables, 'f');
  expect([record!.chunks, record!.manifest.length]).toEqual([[], 1]);
  expect(await contentOf(world, 'f')).toBe(letters.join(''));
  expect(liveChunks(world)).toHaveLength(5_001 + 1);
  await putFile(world, 'f', 'short');
  await settle(world);
  await expectExact(world, 'f');
  expect(liveChunks(world)).toHaveLength(1);
  expect(await removeFiles(world.ports, ['f'])).toBe(1);
  await settle(world);
  await expectExact(world);
  expect([...world.nodes.values()].flatMap(({ chunks }) => chunks)).toEqual([]);
});

test('a manifest of several pieces names its chunks in their order, and all of it goes', async () => {
  const world = new World({ capacityBytes: 100_000_000, pageItems: 30_000 });
  const file = await placeFile(world, 'f', ['x'], 1);
  const chunks = Array.from({ length: 20_001 }, (_, i) => ({
    ...file.chunks[0]!,
    chunk: chunkId(i.toString(16).padStart(64, '0')),
  }));
  await commitFiles(world.ports, [{ ...file, chunks }]);
  const [one, other] = await manifestOf(world, 'f');
  expect(await needed(world, 'f')).toEqual([...chunks.map(({ chunk }) => chunk), one, other]);
  await removeFiles(world.ports, ['f']);
  await settle(world);
  expect(liveChunks(world)).toEqual([]);
});

test('the account of a fleet counts manifests among its chunks', async () => {
  const world = small();
  await putFile(world, 'f', ...lettersOf(30));
  const account = await takeAccount(world.ports);
  expect(account).toMatchObject({ chunks: 31, underReplicated: 0, orphans: 0 });
  const [manifest] = await manifestOf(world, 'f');
  world.node('a1').shelves.delete(manifest!);
  expect(await takeAccount(world.ports)).toMatchObject({ underReplicated: 1, orphans: 0 });
});

test('short files and long ones are committed together, replaced by each other and removed together', async () => {
  const world = small();
  const word = { a: lettersOf(6), b: ['x'], c: lettersOf(40), d: [] as string[] };
  const swapped = { a: ['y'], b: lettersOf(40, 'b'), c: lettersOf(7, 'c'), d: lettersOf(6, 'd') };
  for (const files of [word, swapped]) {
    const placed = Object.entries(files).map(([path, letters]) => placeFile(world, path, letters));
    await commitFiles(world.ports, await Promise.all(placed));
    for (const [path, letters] of Object.entries(files))
      expect(await contentOf(world, path)).toBe(letters.join(''));
    await settle(world);
    await expectExact(world, 'a', 'b', 'c', 'd');
  }
  expect(await removeFiles(world.ports, ['a', 'b', 'c', 'd'])).toBe(4);
  await settle(world);
  await expectExact(world);
});

describe('class and copies', () => {
  const zones = { d1: 'a', d2: 'b', d3: 'c', m1: 'a', m2: 'b', m3: 'c', m4: 'a' };
  const classes = Object.fromEntries(
    Object.keys(zones).map((name) => [name, name.startsWith('d') ? 'data' : 'metadata'] as const),
  );
  const ofClass = (world: World, chunk: string) => [
    ...new Set(world.placement(chunk)!.holders.map((holder) => classes[holder])),
  ];

  test('manifests lie on metadata nodes, in three copies whatever the data has; data never does', async () => {
    const world = small({ nodes: zones, classes });
    const file = await placeFile(world, 'f', lettersOf(30), 1);
    await commitFiles(world.ports, [file]);
    const [manifest] = await manifestOf(world, 'f');
    expect(world.placement(manifest!)).toMatchObject({
      kind: 'metadata',
      redundancy: { kind: 'replicated', copies: 3 },
    });
    expect(ofClass(world, manifest!)).toEqual(['metadata']);
    for (const { chunk } of file.chunks) expect(ofClass(world, chunk)).toEqual(['data']);
  });

  test('a drain moves a manifest to another metadata node, and the file still reads', async () => {
    const world = small({ nodes: zones, classes });
    await putFile(world, 'f', ...lettersOf(30));
    const [manifest] = await manifestOf(world, 'f');
    const leaving = world.placement(manifest!)!.holders.find((holder) => /m[14]/.test(holder))!;
    const started = await startDrain(world.ports, [nodeId(leaving)], ['asked']);
    if (started.kind === 'blocked') throw new Error(JSON.stringify(started.blocks));
    expect(await runJob(world, started.job)).toBe('done');
    expect(jobOf(world, started.job)).toMatchObject({ state: 'done', movesDone: 1 });
    expect(world.placement(manifest!)!.holders).toContain(leaving === 'm1' ? 'm4' : 'm1');
    expect(await contentOf(world, 'f')).toBe(lettersOf(30).join(''));
    world.nodes.delete(nodeId(leaving)); // its machine is gone, and its disk with it
    await removeFiles(world.ports, ['f']);
    await settle(world);
    await expectExact(world);
  });

  test('a fleet without room for metadata refuses the file, and nothing of it stays', async () => {
    const data = { d1: 'a', d2: 'b', d3: 'c' };
    const world = small({ nodes: data, classes });
    await expect(putFile(world, 'f', ...lettersOf(30))).rejects.toThrow(NoRoom);
    expect(await contentOf(world, 'f')).toBeUndefined();
    await settle(world);
    await expectExact(world);
  });
});

class Killed extends Error {}

/** Ends the work at its n-th write, before it happens or after its answer is lost. */
async function killedAt(
  world: World,
  moment: number,
  when: 'before' | 'after',
  work: () => Promise<unknown>,
): Promise<'killed' | 'done'> {
  let writes = 0;
  const die = () => {
    if (++writes >= moment) throw new Killed();
  };
  const { beforeWrite, beforeWriteEach, afterWrite } = world;
  if (when === 'before') Object.assign(world, { beforeWrite: die, beforeWriteEach: die });
  else world.afterWrite = die;
  try {
    await work();
    return 'done';
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return 'killed';
  } finally {
    Object.assign(world, { beforeWrite, beforeWriteEach, afterWrite });
  }
}

describe.each(['before', 'after'] as const)('killed %s any of its writes', (when) => {
  const [old, fresh] = [lettersOf(40, 'old'), lettersOf(41, 'new')];
  const works: [string, (world: World) => Promise<unknown>, string[]][] = [
    ['replacing', (world) => putFile(world, 'f', ...fresh), [old.join(''), fresh.join('')]],
    ['removing', (world) => removeFiles(world.ports, ['f']), [old.join(''), '']],
  ];
  test.each(works)('%s a long file leaves the one or the other, whole', async (_w, work, ends) => {
    let kills = 0;
    for (let moment = 1; ; moment++) {
      const world = small();
      await putFile(world, 'f', ...old);
      const end = await killedAt(world, moment, when, () => work(world));
      expect(ends).toContain((await contentOf(world, 'f')) ?? '');
      await settle(world);
      expect(ends).toContain((await contentOf(world, 'f')) ?? '');
      await expectExact(world, 'f');
      if (end === 'done') break;
      kills++;
    }
    expect(kills).toBeGreaterThan(0);
  });

  test('emptying the trash goes on where it ended', async () => {
    let kills = 0;
    for (let moment = 1; ; moment++) {
      const world = small();
      await putFile(world, 'f', ...old);
      await putFile(world, 'kept', ...fresh);
      await removeFiles(world.ports, ['f']);
      const end = await killedAt(world, moment, when, () => sweep(world.ports, []));
      await settle(world);
      await expectExact(world, 'kept');
      expect(await contentOf(world, 'kept')).toBe(fresh.join(''));
      if (end === 'done') break;
      kills++;
    }
    expect(kills).toBeGreaterThan(1);
  });
});

test('a manifest that cannot be read stays in the trash, keeps nobody up, and goes later', async () => {
  const world = small();
  await putFile(world, 'f', ...lettersOf(30));
  const [manifest] = await manifestOf(world, 'f');
  const [other] = await putFile(world, 'other', 'x');
  await removeFiles(world.ports, ['f', 'other']);
  for (const node of world.nodes.values()) node.isUp = false;
  await sweep(world.ports, []);
  expect(world.placement(manifest!)?.state).toBe('live');
  expect(world.placement(other!)?.state).toBe('removed');
  expect(world.logged).toContain('manifest-unreadable');
  for (const node of world.nodes.values()) node.isUp = true;
  await settle(world);
  await expectExact(world);
});

test('an upload that outlived its intent fails, and all that it stored goes', async () => {
  const world = small();
  const file = await placeFile(world, 'f', lettersOf(60));
  world.beforeWrite = async (ops) => {
    if (!ops.some(({ key }) => key.table === 'files')) return;
    world.beforeWrite = () => {};
    world.pass(uploadMs);
    await sweep(world.ports, []);
  };
  await expect(commitFiles(world.ports, [file])).rejects.toThrow('the upload took over');
  expect(await contentOf(world, 'f')).toBeUndefined();
  await settle(world);
  await expectExact(world);
});

test('chunks that come after the sweeper ended their upload are refused', async () => {
  const world = small();
  const file = await placeFile(world, 'f', lettersOf(60));
  const last = chunkKey(file.chunks.at(-1)!.chunk);
  world.beforeWrite = async (ops) => {
    if (!ops.some(({ key }) => key.pk === last.pk)) return;
    world.beforeWrite = () => {};
    world.pass(uploadMs);
    await sweep(world.ports, []);
  };
  await expect(commitFiles(world.ports, [file])).rejects.toThrow('already known');
  await settle(world);
  await expectExact(world);
});

test('a manifest whose holder died is repaired like any chunk', async () => {
  const world = small({ nodes: pairs });
  await putFile(world, 'f', ...lettersOf(30));
  const [manifest] = await manifestOf(world, 'f');
  const [lost, second] = world.placement(manifest!)!.holders;
  expect(await loseAndRepair(world, [lost!])).toBe('done');
  const { holders } = world.placement(manifest!)!;
  expect(holders).toHaveLength(3);
  expect(holders).not.toContain(lost);
  world.node(second!).isUp = false;
  expect(await contentOf(world, 'f')).toBe(lettersOf(30).join(''));
});
