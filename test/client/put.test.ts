import { appendFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  chunkBytesMax,
  groupBytesMax,
  groupFilesMax,
  memoryBytesMax,
} from '../../lib/client/limits.ts';
import { fileAt, filesWithin } from '../../lib/client/list.ts';
import { groupsOf, putFiles } from '../../lib/client/put.ts';
import { verifyFiles } from '../../lib/client/verify.ts';
import { findSource, type SourceFile } from '../../lib/client/walk.ts';
import { chunkKey, nodeKey } from '../../lib/contract/keys.ts';
import { nodeView, stepNode } from '../../lib/control/fleet.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { enrol, type MemoryFleet, memoryFleet } from '../support/memory-fleet.ts';
import { scratch } from '../support/scratch.ts';

const pause = async () => {};

async function store(fleet: MemoryFleet, directory: string, destination = 'd') {
  const source = await findSource(directory, destination);
  return putFiles(fleet.ports, source.files, { pause });
}

const storedPaths = async (fleet: MemoryFleet) =>
  (await filesWithin(fleet.ports.tables, '')).map(({ path }) => path);

describe('groups', () => {
  const file = (size: number): SourceFile => ({ path: 'p', from: 'f', size });
  test.each<[behaviour: string, sizes: number[], groups: number[]]>([
    [
      'as many files as fit a transaction',
      Array(2 * groupFilesMax + 1).fill(1),
      [groupFilesMax, groupFilesMax, 1],
    ],
    ['no more bytes than a group may have', [groupBytesMax, 1, 1], [1, 2]],
    ['a large file is alone', [1, 10 * groupBytesMax, 1], [1, 1, 1]],
    ['empty files count as files', [0, 0], [2]],
    ['nothing makes no group', [], []],
  ])('%s', (_behaviour, sizes, groups) =>
    expect([...groupsOf(sizes.map(file))].map((group) => group.length)).toEqual(groups),
  );
});

describe('put', () => {
  test('what it acknowledges is on three nodes and reads back the same', async () => {
    const fleet = memoryFleet();
    const files = Object.fromEntries(
      Array.from({ length: 45 }, (_, i) => [`dir${i % 4}/file ${i} é\t\\.txt`, `content ${i}`]),
    );
    const directory = scratch({ ...files, empty: '' });
    const result = await store(fleet, directory);
    expect(result).toMatchObject({ filesStored: 46, problems: [] });
    const source = await findSource(directory, 'd');
    const stored = await filesWithin(fleet.ports.tables, 'd');
    expect(await verifyFiles(fleet.ports, stored, source.files)).toEqual({
      filesVerified: 46,
      bytesVerified: source.bytes,
      problems: [],
    });
    expect([...fleet.disks.values()].map((disk) => disk.size)).toEqual([45, 45, 45]);
  });

  test('keeps mode and time of modification', async () => {
    const fleet = memoryFleet();
    const directory = scratch({ run: 'x' });
    const { mode, mtimeMs } = statSync(join(directory, 'run'));
    await store(fleet, directory);
    const file = await fileAt(fleet.ports.tables, 'd/run');
    expect(file?.record).toMatchObject({ mode: mode & 0o7777, modifiedAt: Math.floor(mtimeMs) });
  });

  test('a file of several chunks keeps their order and stays within the memory that it may use', async () => {
    const fleet = memoryFleet();
    const content = Buffer.alloc(2 * chunkBytesMax + 5);
    for (let at = 0; at < content.length; at += 4096) content.writeUInt32LE(at, at);
    const directory = scratch({ large: content });
    await store(fleet, directory);
    const file = await fileAt(fleet.ports.tables, 'd/large');
    expect(file?.record.chunks.map(({ size }) => size)).toEqual([chunkBytesMax, chunkBytesMax, 5]);
    expect(fleet.puts.bytesMost).toBeLessThanOrEqual(3 * memoryBytesMax);
    const source = await findSource(directory, 'd');
    const verified = await verifyFiles(fleet.ports, [file!], source.files);
    expect(verified.problems).toEqual([]);
  });

  test('replaces a file and leaves its old chunks to the sweeper', async () => {
    const fleet = memoryFleet();
    const directory = scratch({ f: 'old' });
    await store(fleet, directory);
    writeFileSync(join(directory, 'f'), 'newer');
    await store(fleet, directory);
    const file = await fileAt(fleet.ports.tables, 'd/f');
    expect(file?.record).toMatchObject({ size: 5, version: 2 });
    expect(fleet.store.all('placement', 'T')).toHaveLength(1);
  });

  test.each<[behaviour: string, change: (file: string) => void, problem: RegExp]>([
    ['grows', (file) => appendFileSync(file, 'more'), /changed while it was read/],
    ['shrinks', (file) => writeFileSync(file, ''), /changed while it was read/],
    ['is rewritten', (file) => writeFileSync(file, 'as long!'), /changed while it was read/],
  ])(
    'a file that %s while it is read is not stored, the others are',
    async (_behaviour, change, problem) => {
      const fleet = memoryFleet();
      const directory = scratch({ steady: '12345678', unsteady: '12345678' });
      fleet.beforePut = () => change(join(directory, 'unsteady'));
      const { filesStored, problems } = await store(fleet, directory);
      expect(filesStored).toBe(1);
      expect(problems).toEqual([
        { path: join(directory, 'unsteady'), problem: expect.stringMatching(problem) },
      ]);
      expect(await storedPaths(fleet)).toEqual(['d/steady']);
    },
  );

  test('a file that vanishes while its directory is listed is no part of it', async () => {
    // It lists the very descriptor that lists it, and has no file for it afterwards.
    const { files } = await findSource('/proc/self/fdinfo', 'd');
    expect(files.length).toBeGreaterThan(2);
  });

  test('a file that vanished is a problem of its own', async () => {
    const fleet = memoryFleet();
    const directory = scratch({ a: 'a', b: 'b' });
    const source = await findSource(directory, '');
    rmSync(join(directory, 'a'));
    const result = await putFiles(fleet.ports, source.files, { pause });
    expect(result.problems).toEqual([{ path: join(directory, 'a'), problem: 'is not there' }]);
    expect(await storedPaths(fleet)).toEqual(['b']);
  });

  test('stores again elsewhere when a holder stops taking copies before the commit', async () => {
    const fleet = memoryFleet({ n1: 'a', n2: 'b', n3: 'c', n4: 'b' });
    enrol(fleet.store, 'n4', 'b', 'joining');
    const directory = scratch({ f: 'x' });
    const n2 = nodeView(fleet.store.get(nodeKey(nodeId('n2')))!);
    fleet.beforePut = () => {
      fleet.beforePut = () => {};
      enrol(fleet.store, 'n4', 'b');
      void stepNode(fleet.ports, n2, 'draining', 'j');
    };
    const result = await store(fleet, directory);
    expect(result.filesStored).toBe(1);
    const file = await fileAt(fleet.ports.tables, 'd/f');
    const chunk = chunkId(file!.record.chunks[0]!.id);
    const holders = fleet.store.get(chunkKey(chunk))?.holders;
    expect([...(holders as string[])].sort()).toEqual(['n1', 'n3', 'n4']);
  });

  test('acknowledges nothing once it was interrupted', async () => {
    const fleet = memoryFleet();
    const source = await findSource(scratch({ a: 'a' }), '');
    const signal = AbortSignal.abort();
    await expect(putFiles(fleet.ports, source.files, { signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await storedPaths(fleet)).toEqual([]);
  });

  test('gives up when nodes stay down, with what they said', async () => {
    const fleet = memoryFleet();
    fleet.down.add('n1');
    const waits: number[] = [];
    const source = await findSource(scratch({ a: 'a' }), '');
    const putting = putFiles(fleet.ports, source.files, {
      pause: async (ms) => void waits.push(ms),
    });
    await expect(putting).rejects.toMatchObject({ name: 'NoRoom' });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    expect(await storedPaths(fleet)).toEqual([]);
  });

  test('tells progress that ends at the totals', async () => {
    const fleet = memoryFleet();
    const source = await findSource(scratch({ a: 'aa', b: 'bbb', c: '' }), '');
    const told: string[] = [];
    await putFiles(fleet.ports, source.files, {
      onProgress: ({ files, filesTotal, bytes, bytesTotal }) =>
        told.push(`${files}/${filesTotal} ${bytes}/${bytesTotal}`),
    });
    expect(told.at(-1)).toBe('3/3 5/5');
  });
});
