import { expect, test } from 'vitest';
import { Heat } from '../../lib/core/heat.ts';

const hour = 3_600_000;
const everything = () => true;

test('a steady rate is told as accesses an hour', () => {
  const heat = new Heat();
  // 60 reads an hour, for ten hours.
  for (let minute = 0; minute < 600; minute++) heat.read('a', (minute * hour) / 60);
  expect(heat.of('a', 10 * hour)).toBeGreaterThan(58);
  expect(heat.of('a', 10 * hour)).toBeLessThan(62);
});

test('what is read no more cools down', () => {
  const heat = new Heat();
  for (let i = 0; i < 100; i++) heat.read('a', 0);
  expect(heat.of('a', hour)).toBeCloseTo(100 / Math.E);
  expect(heat.of('a', 24 * hour)).toBeLessThan(1e-6);
});

test('the hottest come first, equals by their ids, and only what is held', () => {
  const heat = new Heat();
  for (const chunk of ['b', 'a', 'c', 'c', 'gone', 'gone', 'gone']) heat.read(chunk, 0);
  const told = heat.hottest(2, 0, (chunk) => chunk !== 'gone');
  expect(told).toEqual([
    { chunk: 'c', heat: 2 },
    { chunk: 'a', heat: 1 },
  ]);
});

test('memory is bounded, hot chunks are kept among any number of cold ones, no heat is too high', () => {
  const heat = new Heat(100);
  const reads = new Map<string, number>();
  const read = (chunk: string) => {
    heat.read(chunk, 0);
    reads.set(chunk, (reads.get(chunk) ?? 0) + 1);
  };
  for (let i = 0; i < 20_000; i++) {
    read(`cold${i % 7_000}`);
    if (i % 10 === 0) read(`hot${(i / 10) % 5}`);
  }
  const told = heat.hottest(1_000, 0, everything);
  expect(told.length).toBeLessThan(200);
  expect(told.slice(0, 5).every(({ chunk }) => chunk.startsWith('hot'))).toBe(true);
  expect(told.every(({ chunk, heat: told }) => told <= reads.get(chunk)!)).toBe(true);
  // Of 400 reads each.
  expect(told[4]!.heat).toBeGreaterThan(390);
});
