import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findSource } from '../../lib/client/walk.ts';
import { scratch } from '../support/scratch.ts';

describe('what a source holds', () => {
  test('every file below it, in the order of paths, links left out', async () => {
    const directory = scratch({ 'b/c': '22', a: '1', 'b/d/e': '' });
    symlinkSync(join(directory, 'a'), join(directory, 'link'));
    mkdirSync(join(directory, 'empty'));
    const source = await findSource(directory, '/in/');
    expect(source.files.map(({ path, size }) => `${path} ${size}`)).toEqual([
      'in/a 1',
      'in/b/c 2',
      'in/b/d/e 0',
    ]);
    expect(source).toMatchObject({ bytes: 3, symlinksSkipped: 1 });
  });

  test.each([
    ['gets the name of the destination', 'there', 'there'],
    ['goes below a destination with a slash', 'there/', 'there/one'],
    ['goes into the root', '/', 'one'],
  ])('a single file %s', async (_behaviour, destination, path) => {
    const directory = scratch({ one: '1' });
    const source = await findSource(join(directory, 'one'), destination);
    expect(source.files.map((file) => file.path)).toEqual([path]);
  });

  test('leaves out the home of the local cloud', async () => {
    const directory = scratch({ '.ballast/x': '1', y: '2' });
    const source = await findSource(directory, '', join(directory, '.ballast'));
    expect(source.files.map(({ path }) => path)).toEqual(['y']);
  });
});

describe('refuses, in one sentence,', () => {
  type Make = (directory: string) => void;
  test.each<[what: string, make: Make, destination: string, sentence: RegExp]>([
    ['a newline in a name', (d) => writeFileSync(join(d, 'a\nb'), ''), '', /"a\\nb".* newline/],
    [
      'a name that is not UTF-8',
      (d) => writeFileSync(Buffer.concat([Buffer.from(`${d}/`), Buffer.from([0x66, 0xff])]), ''),
      '',
      /not valid UTF-8/,
    ],
    ['a named pipe', (d) => execFileSync('mkfifo', [join(d, 'p')]), '', /is a named pipe/],
    [
      'a path of 1,025 bytes',
      (d) => writeFileSync(join(d, 'é'), ''),
      'x'.repeat(1022),
      /102\d bytes long, more than the 1024/,
    ],
    ['a destination that climbs', () => {}, 'a/../b', /has "\.\." as one of its names/],
    ['an empty name in the destination', () => {}, 'a//b', /has "" as one of its names/],
    ['a newline in the destination', () => {}, 'a\nb', /contains a newline/],
  ])('%s', async (_what, make, destination, sentence) => {
    const directory = scratch({ fine: 'x' });
    make(directory);
    const refusal = await findSource(directory, destination).catch((error: Error) => error);
    expect(refusal).toMatchObject({
      name: 'ClientRefusal',
      message: expect.stringMatching(sentence),
    });
    expect((refusal as Error).message).not.toContain('\n');
  });

  test('a source that is not there', async () => {
    await expect(findSource('/not/there', '')).rejects.toThrow('"/not/there" is not there.');
  });

  test('takes a path of exactly 1,024 bytes', async () => {
    const source = await findSource(scratch({ é: '' }), 'x'.repeat(1021));
    expect(source.files).toHaveLength(1);
  });
});
