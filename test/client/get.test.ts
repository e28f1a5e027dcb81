import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { getFiles } from '../../lib/client/get.ts';
import { filesWithin } from '../../lib/client/list.ts';
import { putFiles } from '../../lib/client/put.ts';
import { verifyFiles } from '../../lib/client/verify.ts';
import { findSource } from '../../lib/client/walk.ts';
import { type MemoryFleet, memoryFleet } from '../support/memory-fleet.ts';
import { scratch } from '../support/scratch.ts';

async function fleetWith(files: Readonly<Record<string, string>>): Promise<MemoryFleet> {
  const fleet = memoryFleet();
  const source = await findSource(scratch(files), '');
  await putFiles(fleet.ports, source.files);
  return fleet;
}

async function fetchAll(
  fleet: MemoryFleet,
  into: string,
  existing: 'refuse' | 'overwrite' = 'refuse',
) {
  const files = await filesWithin(fleet.ports.tables, '');
  const wanted = files.map((file) => ({ ...file, to: file.path }));
  return getFiles(fleet.ports, wanted, into, { existing });
}

const damage = (fleet: MemoryFleet): void => {
  for (const disk of fleet.disks.values()) {
    for (const [chunk, bytes] of disk)
      disk.set(
        chunk,
        Uint8Array.from(bytes, (byte) => byte ^ 1),
      );
  }
};

describe('get', () => {
  test('brings a tree back as it was', async () => {
    const fleet = await fleetWith({ 'a/b': 'one', c: '' });
    const into = join(scratch(), 'new', 'place');
    expect(await fetchAll(fleet, into)).toEqual({ filesWritten: 2, bytesWritten: 3, problems: [] });
    expect(readFileSync(join(into, 'a/b'), 'utf8')).toBe('one');
    const { record } = (await filesWithin(fleet.ports.tables, 'a/b'))[0]!;
    const { mtimeMs, mode } = statSync(join(into, 'a/b'));
    expect([mtimeMs, mode & 0o777]).toEqual([record.modifiedAt, record.mode & 0o777]);
    expect(readdirSync(into, { recursive: true }).sort()).toEqual(['a', 'a/b', 'c']);
  });

  test('a file older than 1970 comes back with its date', async () => {
    const directory = scratch({ old: 'one' });
    const date = new Date('1969-12-31T00:00Z');
    utimesSync(join(directory, 'old'), date, date);
    const fleet = memoryFleet();
    await putFiles(fleet.ports, (await findSource(directory, '')).files);
    const into = scratch();
    expect(await fetchAll(fleet, into)).toMatchObject({ filesWritten: 1, problems: [] });
    expect(statSync(join(into, 'old')).mtimeMs).toBe(date.getTime());
  });

  test('reads from another holder when one is down', async () => {
    const fleet = await fleetWith({ a: 'one' });
    fleet.down.add('n1').add('n2');
    const into = scratch();
    expect(await fetchAll(fleet, into)).toMatchObject({ filesWritten: 1 });
  });

  test('refuses a file that would be a directory too, and then writes nothing at all', async () => {
    const fleet = await fleetWith({ 'x-first': 'one', a: 'two' });
    await putFiles(fleet.ports, (await findSource(scratch({ b: 'three' }), 'a/c')).files);
    const into = scratch();
    await expect(fetchAll(fleet, into)).rejects.toThrow(
      /"a" is a file and "a\/c\/b" lies below it: fetch them one by one/,
    );
    expect(readdirSync(into)).toEqual([]);
  });

  test('refuses to overwrite and then writes nothing at all', async () => {
    const fleet = await fleetWith({ a: 'one', b: 'two' });
    const into = scratch({ b: 'mine' });
    await expect(fetchAll(fleet, into)).rejects.toThrow(/"[^"]*\/b" would be overwritten/);
    expect(readdirSync(into)).toEqual(['b']);
    await fetchAll(fleet, into, 'overwrite');
    expect(readFileSync(join(into, 'b'), 'utf8')).toBe('two');
  });

  test('leaves nothing of a file whose bytes are wrong everywhere', async () => {
    const fleet = await fleetWith({ a: 'one' });
    damage(fleet);
    const into = scratch();
    const { problems } = await fetchAll(fleet, into);
    expect(problems).toEqual([{ path: 'a', problem: expect.stringMatching(/^cannot be read/) }]);
    expect(readdirSync(into)).toEqual([]);
  });

  test.each(['../out', 'a/../../out', '/etc/x', 'a//b', '.'])(
    'never leaves the destination: %s',
    async (to) => {
      const fleet = await fleetWith({ a: 'one' });
      const [file] = await filesWithin(fleet.ports.tables, 'a');
      const parent = scratch();
      const into = join(parent, 'in');
      const getting = getFiles(fleet.ports, [{ ...file!, to }], into, { existing: 'overwrite' });
      await expect(getting).rejects.toMatchObject({ name: 'ClientRefusal' });
      expect(readdirSync(parent)).toEqual([]);
    },
  );

  test('does not follow a symbolic link out of the destination', async () => {
    const fleet = await fleetWith({ 'a/b': 'one' });
    const outside = scratch();
    const into = scratch();
    symlinkSync(outside, join(into, 'a'));
    await expect(fetchAll(fleet, into, 'overwrite')).rejects.toThrow(/is in the way/);
    expect(readdirSync(outside)).toEqual([]);
  });

  test('says what stands where a directory is needed', async () => {
    const fleet = await fleetWith({ 'a/b': 'one' });
    const into = scratch({ a: 'a file' });
    await expect(fetchAll(fleet, into)).rejects.toThrow(/a directory is needed/);
    expect(existsSync(join(into, 'a/b'))).toBe(false);
  });
});

describe('verify', () => {
  test('tells what differs from the source, is missing there, or is not stored', async () => {
    const directory = scratch({ same: '1', differs: '2', gone: '3' });
    const fleet = memoryFleet();
    const before = await findSource(directory, '');
    await putFiles(fleet.ports, before.files);
    writeFileSync(join(directory, 'differs'), '4');
    writeFileSync(join(directory, 'late'), '5');
    const source = (await findSource(directory, '')).files.filter(({ path }) => path !== 'gone');
    const stored = await filesWithin(fleet.ports.tables, '');
    const { filesVerified, problems } = await verifyFiles(fleet.ports, stored, source);
    expect(filesVerified).toBe(1);
    expect(problems.map(({ path, problem }) => `${path} ${problem}`).sort()).toEqual([
      'differs differs from its source',
      'gone is stored but not in the source',
      'late is in the source but not stored',
    ]);
  });

  test('finds bytes that changed on every disk', async () => {
    const fleet = await fleetWith({ a: 'one', empty: '' });
    damage(fleet);
    const stored = await filesWithin(fleet.ports.tables, '');
    const { filesVerified, problems } = await verifyFiles(fleet.ports, stored, undefined);
    expect([filesVerified, problems.map(({ path }) => path)]).toEqual([1, ['a']]);
  });
});

test('a prefix names a directory, not the beginning of a name', async () => {
  const fleet = await fleetWith({ 'a/1': '', ab: '', a2: '', b: '' });
  const paths = async (prefix: string) =>
    (await filesWithin(fleet.ports.tables, prefix)).map(({ path }) => path);
  expect(await paths('a')).toEqual(['a/1']);
  expect(await paths('')).toEqual(['a/1', 'a2', 'ab', 'b']);
});
