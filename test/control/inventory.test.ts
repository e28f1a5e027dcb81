import { expect, test } from 'vitest';
import { inventoryKey, inventoryPartition } from '../../lib/contract/keys.ts';
import { commitFiles, removeFiles } from '../../lib/control/files.ts';
import { holdsAny, listedOn, namedIn, tidyInventory } from '../../lib/control/inventory.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { placeFile, putFile } from './acts.ts';
import { World } from './world.ts';

const a1 = nodeId('a1');
const lists = (world: World) => world.store.all('placement', inventoryPartition(a1));

/** Files `f0 …`, all in one transaction and so in one list a node. */
async function together(world: World, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `f${i}`);
  const placed = await Promise.all(names.map((name) => placeFile(world, name, [name])));
  await commitFiles(world.ports, placed);
}

const removed = async (world: World, ...paths: string[]): Promise<void> => {
  await removeFiles(world.ports, paths);
  await sweep(world.ports, []);
};

test('one transaction writes one list a holder', async () => {
  const world = new World();
  await together(world, 4);
  expect(lists(world)).toHaveLength(1);
  expect(await listedOn(world.ports.tables, a1)).toHaveLength(4);
});

test.each<[what: string, files: number, removed: number, lists: number, listed: number]>([
  ['a list in which most is named stays as it is', 4, 1, 1, 4],
  ['a half-empty list is written anew', 4, 2, 1, 2],
  ['a list of what is gone goes', 4, 4, 0, 0],
])('%s', async (_what, files, gone, listsLeft, listed) => {
  const world = new World();
  await together(world, files);
  await removed(world, ...Array.from({ length: gone }, (_, i) => `f${i}`));
  const placements = await tidyInventory(world.ports, a1);
  expect(lists(world)).toHaveLength(listsLeft);
  expect(await listedOn(world.ports.tables, a1)).toHaveLength(listed);
  expect(namedIn(placements, a1)).toHaveLength(files - gone);
  expect(world.problems()).toEqual([]);
});

test('what comes to the node while it is tidied stays listed', async () => {
  const world = new World();
  await together(world, 4);
  await removed(world, 'f0', 'f1', 'f2');
  let isFirst = true;
  world.beforeWriteEach = async () => {
    if (!isFirst) return;
    isFirst = false;
    await putFile(world, 'late', 'late');
  };
  await tidyInventory(world.ports, a1);
  expect(isFirst).toBe(false);
  expect(world.problems()).toEqual([]);
  expect(await listedOn(world.ports.tables, a1)).toHaveLength(2);
});

test('a tidying that is killed between its two writes loses nothing', async () => {
  const world = new World();
  await together(world, 4);
  await removed(world, 'f0', 'f1');
  let writes = 0;
  world.beforeWriteEach = async () => {
    if (++writes === 2) throw new Error('killed');
  };
  await expect(tidyInventory(world.ports, a1)).rejects.toThrow('killed');
  expect(world.problems()).toEqual([]);
  expect(lists(world)).toHaveLength(2);
  world.beforeWriteEach = async () => {};
  await removed(world, 'f2', 'f3');
  await tidyInventory(world.ports, a1);
  expect(lists(world)).toEqual([]);
});

test('two that tidy at once lose nothing', async () => {
  const world = new World();
  await together(world, 6);
  await removed(world, 'f0', 'f1', 'f2');
  await Promise.all([tidyInventory(world.ports, a1), tidyInventory(world.ports, a1)]);
  expect(world.problems()).toEqual([]);
});

test.each<[what: string, gone: number, holds: boolean, readsMax: number]>([
  ['nothing of a node is named: every list is looked at and goes', 20, false, 20],
  ['all of it is: no more than a page is looked at', 0, true, 2],
  ['the last chunk is: no placement is read twice', 19, true, 20],
])('%s', async (_what, gone, holds, readsMax) => {
  const world = new World({ pageItems: 2 });
  const paths = Array.from({ length: 20 }, (_, i) => `f${i}`);
  for (const path of paths) await putFile(world, path, path);
  await removed(world, ...paths.slice(0, gone));
  world.reads = 0;
  expect(await holdsAny(world.ports, a1)).toBe(holds);
  expect(world.reads).toBeLessThanOrEqual(readsMax);
  expect(lists(world)).toHaveLength(20 - gone);
  expect(world.problems()).toEqual([]);
});

test('a list that names a chunk twice counts it once', async () => {
  const world = new World();
  const [chunk] = await putFile(world, 'f', 'x');
  const key = inventoryKey(a1, 'again');
  world.store.write([{ op: 'put', key, fields: { chunks: [chunk!, chunk!] } }]);
  expect(await listedOn(world.ports.tables, a1)).toEqual([chunk]);
});
