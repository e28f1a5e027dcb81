import { expect, test } from 'vitest';
import { chunkKey, fileKey, trashPartition } from '../../lib/contract/keys.ts';
import {
  commitFiles,
  FileTooLong,
  findFile,
  HolderLeft,
  listFiles,
  type PlacedFile,
  removeFiles,
} from '../../lib/control/files.ts';
import { readFleet, readNodes, stepNode } from '../../lib/control/fleet.ts';
import { chunksPerRemoval, uploadMs } from '../../lib/control/limits.ts';
import { type Op, OutcomeUnknown, type Ports, TryLater } from '../../lib/control/ports.ts';
import { ChunkGone, ChunkUnreadable, readChunk } from '../../lib/control/read.ts';
import { NoRoom } from '../../lib/control/store.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { chunkId } from '../../lib/core/ids.ts';
import { contentOf, placeFile, putFile } from './acts.ts';
import { pairs, World } from './world.ts';

const everything = async (world: World): Promise<string[]> => {
  const found: string[] = [];
  for await (const { path } of listFiles(world.ports.tables, '')) found.push(path);
  return found.sort();
};

/** Lets trash and parked copies come to their end. */
async function settle(world: World): Promise<void> {
  for (let i = 0; i < 2; i++) {
    world.pass(Math.max(world.ports.policy.parkingMs, 1));
    await sweep(world.ports, []);
  }
}

const clean = (world: World) => [
  ...world.problems(),
  ...world.orphans(),
  ...world.store.all('placement', trashPartition),
];

const letters = (count: number) => Array.from({ length: count }, (_, i) => `<${i}>`);
const many = { policy: { nodesMax: 100, fillHard: 1 } };

test.each([0, 1, 3, 23, 24, 25, 60])(
  'a file of %d chunks is stored, replaced and removed',
  async (count) => {
    const world = new World(many);
    for (const round of ['first', 'second']) {
      await putFile(world, 'dir/f', ...letters(count).map((letter) => `${round}${letter}`));
      expect(await contentOf(world, 'dir/f')).toBe(
        letters(count)
          .map((l) => `${round}${l}`)
          .join(''),
      );
    }
    await settle(world);
    expect(clean(world)).toEqual([]);
    expect(await removeFiles(world.ports, ['dir/f', 'dir/f', 'absent'])).toBe(1);
    expect(await contentOf(world, 'dir/f')).toBeUndefined();
    await settle(world);
    expect(clean(world)).toEqual([]);
    expect([...world.nodes.values()].flatMap(({ chunks }) => chunks)).toEqual([]);
  },
);

test('a small file replaces one of 5,000 chunks, whose chunks all go', async () => {
  const world = new World({ ...many, pageItems: 5_000 });
  const long = await placeFile(world, 'f', [''], 1);
  const [one] = long.chunks;
  const chunks = Array.from({ length: 5_000 }, (_, i) => ({
    ...one!,
    chunk: chunkId(i.toString(16).padStart(64, '0')),
  }));
  await commitFiles(world.ports, [{ ...long, chunks }]);
  expect((await findFile(world.ports.tables, 'f'))?.chunks).toHaveLength(5_000);
  await putFile(world, 'f', ...letters(23));
  expect(await contentOf(world, 'f')).toBe(letters(23).join(''));
  await settle(world);
  const live = [...world.store.items('placement')].filter(
    ({ state, sk }) => sk === 'C' && state === 'live',
  );
  expect(live).toHaveLength(23);
  await putFile(world, 'f');
  expect(world.store.all('placement', trashPartition)).toHaveLength(1);
});

test('a file that no manifest can name is refused before anything is written', async () => {
  const world = new World();
  const file = await placeFile(world, 'f', ['x']);
  const chunks = Array.from({ length: 400_001 }, () => file.chunks[0]!);
  await expect(commitFiles(world.ports, [{ ...file, chunks }])).rejects.toThrow(FileTooLong);
  expect(await everything(world)).toEqual([]);
});

test('many small files share transactions, those that exist are replaced, a path twice is the later', async () => {
  const world = new World();
  await putFile(world, 'f7', 'old');
  const placed: PlacedFile[] = [];
  for (let i = 0; i < 60; i++)
    placed.push(await placeFile(world, `f${i}`, i % 3 === 0 ? [] : [`${i}`]));
  for (const path of ['f8', 'f59']) placed.push(await placeFile(world, path, ['later']));
  await commitFiles(world.ports, placed);
  expect(await everything(world)).toHaveLength(60);
  expect(await contentOf(world, 'f7')).toBe('7');
  expect(await contentOf(world, 'f8')).toBe('later');
  expect(await contentOf(world, 'f59')).toBe('later');
  expect(await removeFiles(world.ports, await everything(world))).toBe(60);
  await settle(world);
  expect(clean(world)).toEqual([]);
});

test('a holder that left between placing and committing: nothing is committed, its copies go', async () => {
  const world = new World({ nodes: pairs });
  const file = await placeFile(world, 'f', ['x', 'y']);
  const holder = file.chunks[0]!.holders[0]!;
  await stepNode(world.ports, holder, 'draining', 'j');
  await expect(commitFiles(world.ports, [file])).rejects.toThrow(HolderLeft);
  expect(await everything(world)).toEqual([]);
  expect(clean(world)).toEqual([]);
  await putFile(world, 'f', 'x', 'y');
  expect(await contentOf(world, 'f')).toBe('xy');
});

test('a commit whose answer is lost is found again', async () => {
  const world = new World();
  let lost = 1;
  world.afterWrite = () => {
    if (lost-- > 0) throw new OutcomeUnknown('lost');
  };
  await putFile(world, 'f', 'x');
  expect(await contentOf(world, 'f')).toBe('x');
  expect(clean(world)).toEqual([]);
});

test('a commit whose outcome stays unknown is not acknowledged', async () => {
  const world = new World();
  world.beforeWrite = () => {
    throw new OutcomeUnknown('silence');
  };
  await expect(putFile(world, 'f', 'x')).rejects.toThrow(OutcomeUnknown);
  world.beforeWrite = () => {
    throw new TryLater('busy');
  };
  await expect(putFile(world, 'f', 'x')).rejects.toThrow(TryLater);
});

test('two replace one path at once: one of them is what is read, and nothing of the other stays', async () => {
  const world = new World();
  await putFile(world, 'f', 'old');
  const [one, other] = [
    await placeFile(world, 'f', ['one']),
    await placeFile(world, 'f', ['other']),
  ];
  await Promise.all([commitFiles(world.ports, [one]), commitFiles(world.ports, [other])]);
  expect(['one', 'other']).toContain(await contentOf(world, 'f'));
  await settle(world);
  expect(clean(world)).toEqual([]);
});

test('others that keep replacing a path are not waited for for ever', async () => {
  const world = new World();
  await putFile(world, 'f', 'old');
  const file = await placeFile(world, 'f', ['new']);
  world.beforeWrite = (ops) => {
    const { key } = ops[0]!;
    if (key.table === 'files') world.store.write([{ op: 'update', key, add: { version: 1 } }]);
  };
  await expect(commitFiles(world.ports, [file])).rejects.toThrow('others kept replacing it');
  const long = await placeFile(world, 'f', letters(200));
  world.beforeWrite = () => {
    world.store.write([{ op: 'update', key: fileKey('f'), add: { version: 1 } }]);
  };
  await expect(commitFiles(world.ports, [long])).rejects.toThrow('others kept replacing it');
  await expect(removeFiles(world.ports, ['f'])).rejects.toThrow('others kept replacing them');
});

/** Stops a long upload just before its last transaction. */
async function uploading(world: World, meanwhile: () => Promise<void>): Promise<void> {
  const file = await placeFile(world, 'long', letters(200));
  const isLast = (ops: readonly Op[]) => ops.some(({ key }) => key.table === 'files');
  world.beforeWrite = async (ops) => {
    if (!isLast(ops)) return;
    world.beforeWrite = () => {};
    await meanwhile();
  };
  await commitFiles(world.ports, [file]);
}

test('an upload that outlived its intent fails, and all that it stored goes', async () => {
  const world = new World(many);
  const late = uploading(world, async () => {
    world.pass(uploadMs);
    await sweep(world.ports, []);
  });
  await expect(late).rejects.toThrow('the upload took over');
  expect(await contentOf(world, 'long')).toBeUndefined();
  await settle(world);
  expect(clean(world)).toEqual([]);
});

test('an upload that ends while the sweeper takes its intent keeps every chunk', async () => {
  const world = new World(many);
  await uploading(world, async () => {
    world.pass(uploadMs);
    // The sweeper has read the intent and is about to end it when the upload's last commit comes.
    const ended = new Promise<void>((resolve) => {
      world.beforeWrite = async (ops) => {
        if (ops.length !== 1 || ops[0]?.key.pk !== trashPartition) return;
        world.beforeWrite = () => {};
        resolve();
        await later;
      };
    });
    sweeping = sweep(world.ports, []);
    await ended;
  });
  release();
  await sweeping;
  expect(await contentOf(world, 'long')).toBe(letters(200).join(''));
  expect(clean(world)).toEqual([]);
});
let sweeping: Promise<void>;
let release: () => void = () => {};
const later = new Promise<void>((resolve) => {
  release = resolve;
});

test('an upload that died leaves nothing for longer than its intent', async () => {
  const world = new World(many);
  const dead = uploading(world, async () => {
    throw new Error('killed');
  });
  await expect(dead).rejects.toThrow('killed');
  await sweep(world.ports, []);
  expect(world.orphans()).toEqual([]);
  world.pass(uploadMs);
  await settle(world);
  expect(clean(world)).toEqual([]);
  expect([...world.nodes.values()].flatMap(({ chunks }) => chunks)).toEqual([]);
});

test('chunks of a long upload that are known already fail it', async () => {
  const world = new World(many);
  const file = await placeFile(world, 'long', letters(200));
  const key = chunkKey(file.chunks[0]!.chunk);
  world.store.write([{ op: 'put', key, fields: { state: 'removed' } }]);
  await expect(commitFiles(world.ports, [file])).rejects.toThrow('already known');
});

test('many files are removed together though their trash takes many rows', async () => {
  const world = new World({ ...many, pageItems: 1_000 });
  const one = await placeFile(world, 'f', ['x'], 1);
  const placed = Array.from({ length: 99 }, (_, i) => ({
    ...one,
    path: `f${i}`,
    chunks: Array.from({ length: i < 2 ? 600 : 0 }, (_unused, at) => ({
      ...one.chunks[0]!,
      chunk: chunkId((i * 1_000 + at).toString(16).padStart(64, '0')),
    })),
  }));
  await commitFiles(world.ports, placed);
  expect(await removeFiles(world.ports, await everything(world))).toBe(99);
  await settle(world);
  expect(await everything(world)).toEqual([]);
  expect(world.problems()).toEqual([]);
});

test('files of many chunks are removed in writes that a transaction has room for', async () => {
  const rows: number[] = [];
  const counting = (ports: Ports): Ports => ({
    ...ports,
    tables: {
      ...ports.tables,
      write: (ops, token) => {
        const named = ops.flatMap((op) => (op.op === 'put' ? [op.fields.chunks] : []));
        rows.push(named.flat().length);
        return ports.tables.write(ops, token);
      },
    },
  });
  const world = new World({ ...many, wrap: counting });
  const chunks = Array.from({ length: chunksPerRemoval / 4 }, (_, i) => ({
    id: i.toString(16).padStart(64, '0'),
    size: 1,
  }));
  const paths = Array.from({ length: 9 }, (_, i) => `f${i}`);
  const fields = { size: 1, sha256: '', mode: 0, modifiedAt: 0, chunks, manifest: [], version: 1 };
  for (const path of paths)
    world.store.write([{ op: 'put', key: fileKey(path), fields: { ...fields, lastOp: '' } }]);
  expect(await removeFiles(world.ports, paths)).toBe(9);
  expect(await everything(world)).toEqual([]);
  expect(Math.max(...rows)).toBeLessThanOrEqual(chunksPerRemoval);
});

test('a put goes around nodes that fail, and takes back what it left elsewhere', async () => {
  const world = new World({ nodes: pairs });
  world.node('a1').isUp = false;
  world.node('b2').isUp = false;
  await putFile(world, 'f', 'x', 'y', 'z');
  expect(await contentOf(world, 'f')).toBe('xyz');
  expect(clean(world)).toEqual([]);
});

test('without room for every copy nothing is stored', async () => {
  const world = new World();
  world.node('a1').isUp = false;
  await expect(placeFile(world, 'f', ['x'])).rejects.toThrow(NoRoom);
  for (const node of ['a1', 'b1', 'c1']) world.beat(node, { usedBytes: 10_000 });
  await expect(placeFile(world, 'f', ['x'])).rejects.toMatchObject({ blocks: expect.any(Array) });
});

test.each([
  ['the nodes of an old view are gone', 'gone'],
  ['a copy is rotten', 'rotten'],
  ['nodes do not answer', 'down'],
  ['nodes that were called dead answer yet', 'dead'],
])('a chunk is read when %s', async (_what, trouble) => {
  const world = new World({ nodes: pairs });
  const [chunk] = await putFile(world, 'f', 'content');
  const known = world.placement(chunk!)!;
  const [first, second, third] = known.holders;
  if (trouble === 'rotten') {
    for (const holder of [first, second]) {
      world.node(holder!).shelves.get(chunk!)!.copy!.bytes = Uint8Array.of(1);
    }
  }
  if (trouble === 'down') world.node(first!).isUp = world.node(third!).isUp = false;
  if (trouble === 'dead') {
    for (const node of await readNodes(world.ports.tables)) {
      await stepNode(world.ports, node, 'dead', '');
    }
  }
  const fleet = await readFleet(world.ports.tables);
  const old = { ...known, holders: ['x1', 'x2', 'x3'] };
  const bytes = await readChunk(
    world.ports,
    fleet,
    chunkId(chunk!),
    trouble === 'gone' ? old : undefined,
  );
  expect(new TextDecoder().decode(bytes)).toBe('content');
});

test('a chunk that nobody has is unreadable, and one that was removed is gone', async () => {
  const world = new World();
  const [chunk] = await putFile(world, 'f', 'content');
  const fleet = await readFleet(world.ports.tables);
  for (const node of world.nodes.values()) node.shelves.clear();
  await expect(contentOf(world, 'f')).rejects.toThrow(ChunkUnreadable);
  await removeFiles(world.ports, ['f']);
  await sweep(world.ports, []);
  await expect(readChunk(world.ports, fleet, chunkId(chunk!))).rejects.toThrow(ChunkGone);
  await expect(readChunk(world.ports, fleet, chunkId('0'.repeat(64)))).rejects.toThrow(ChunkGone);
});

test('files are listed by their prefix, on pages of one', async () => {
  const world = new World({ pageItems: 1 });
  for (const path of ['a/1', 'a/2', 'b/1']) await putFile(world, path, path);
  const found: string[] = [];
  for await (const { path } of listFiles(world.ports.tables, 'a/')) found.push(path);
  expect(found.sort()).toEqual(['a/1', 'a/2']);
});
