import { describe, expect, test } from 'vitest';
import {
  believedPass,
  type ClientsNow,
  endedPass,
  isLeftToClients,
  newPass,
  nextPass,
  scrubRate,
  scrubRateMax,
  scrubRateMin,
  scrubShare,
} from '../../lib/core/scrub-pace.ts';

const day = 86_400_000;
const TB = 1e12;
/** Half of the ids are read. */
const half = `8${'0'.repeat(63)}`;
const even = (usedBytes: number, days = 14) => usedBytes / (days * 86_400);

const rate = (usedBytes: number, atDay: number, after = '', days = 14) =>
  scrubRate({ now: atDay * day, pass: { startedAt: 0, endedAt: -1, after }, usedBytes, days });

describe('the rate of a pass', () => {
  test.each<[behaviour: string, rate: number, expected: number]>([
    ['is what ends it in its time', rate(8 * TB, 0), even(8 * TB)],
    ['stays so while it is in time', rate(8 * TB, 7, half), even(8 * TB)],
    ['falls where it is ahead', rate(8 * TB, 3.5, half), (2 / 3) * even(8 * TB)],
    ['rises where it is late', rate(8 * TB, 9.8, half), (5 / 3) * even(8 * TB)],
    [
      'to twice the even one at most, however late it is',
      rate(8 * TB, 100, half),
      2 * even(8 * TB),
    ],
    ['never above the cap', rate(100 * TB, 0), scrubRateMax],
    ['nor below the floor: a small disk is done early', rate(1e9, 0), scrubRateMin],
    ['is none where no scrub is wished', rate(8 * TB, 0, '', 0), 0],
  ])('%s', (_behaviour, found, expected) => expect(found).toBeCloseTo(expected, 3));

  test('is none between two passes, and some once the next one is due', () => {
    const pass = endedPass(newPass(0), 2 * day);
    const at = (days: number) => scrubRate({ now: days * day, pass, usedBytes: 8 * TB, days: 14 });
    expect([at(2), at(13.9)]).toEqual([0, 0]);
    expect(at(14)).toBeGreaterThan(0);
  });
});

test('a pass goes from the first id to the last, and the next one begins anew', () => {
  const first = newPass(5);
  expect([scrubShare(first), scrubShare({ ...first, after: half })]).toEqual([0, 0.5]);
  expect(nextPass(first, 9)).toBe(first);
  const ended = endedPass({ ...first, after: half }, 50);
  expect(ended).toEqual({ startedAt: 5, endedAt: 50, after: '' });
  expect(scrubShare(ended)).toBe(1);
  const next = nextPass(ended, 90);
  expect(next).toEqual({ startedAt: 90, endedAt: 50, after: '' });
  expect(scrubShare(next)).toBe(0);
});

test('a pass of a time that is far to come is not believed', () => {
  const pass = { startedAt: 3 * day, endedAt: 5, after: half };
  expect(believedPass(pass, 3 * day)).toBe(pass);
  expect(believedPass(pass, 2 * day)).toBe(pass);
  expect(believedPass(pass, 2 * day - 1)).toEqual(newPass(2 * day - 1));
});

test.each<[what: string, clients: Partial<ClientsNow>, left: boolean]>([
  ['nobody there', {}, false],
  ['clients that are served well', { bytes: 50, p99Ms: 5, objectiveMs: 20 }, false],
  ['clients that wait', { unanswered: true }, true],
  ['clients that have more than half of what migration may', { bytes: 51 }, true],
  ['a machine far beyond its load', { loadFactor: 0.7 }, true],
  ['a machine a little beyond it', { loadFactor: 0.8 }, false],
  ['clients that miss their objective', { p99Ms: 21, objectiveMs: 20 }, true],
  ['slow clients of whom no objective is known', { p99Ms: 21 }, false],
])('%s', (_what, over, left) => {
  const idle = { unanswered: false, bytes: 0, migrationBytesMax: 100, loadFactor: 1 };
  expect(isLeftToClients({ ...idle, p99Ms: null, objectiveMs: null, ...over })).toBe(left);
});
