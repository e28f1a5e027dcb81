import { describe, expect, test } from 'vitest';
import { copyOrRebuild, type Giver, type ShardMove } from '../../lib/core/copy-or-rebuild.ts';
import { nodeId, zone } from '../../lib/core/ids.ts';
import { bytes, bytesPerSecond, millis } from '../../lib/core/units.ts';

const MB = 1e6;

/** A node of the zone that its name begins with, at so many MB a second, asked for so many MB before. */
const giver = (name: string, rate = 100, ahead = 0): Giver => ({
  node: nodeId(name),
  zone: zone(name[0]!),
  rate: bytesPerSecond(rate * MB),
  aheadBytes: bytes(ahead * MB),
});

const givers = (...names: string[]): Giver[] => names.map((name) => giver(name));

/** Ten MB of a 4 + 2 code for a node of zone a that takes 1,000 MB a second. */
const move = (over: Partial<ShardMove>): ShardMove => ({
  bytes: bytes(10 * MB),
  data: 4,
  to: { zone: zone('a'), rate: bytesPerSecond(1_000 * MB), aheadBytes: bytes(0) },
  holder: giver('a1'),
  others: givers('a2', 'a3', 'b1', 'b2', 'c1'),
  leftMs: millis(Number.POSITIVE_INFINITY),
  crossZonePrice: 0.02,
  ...over,
});

const nearby = givers('a2', 'a3', 'a4', 'a5', 'b1');

describe('copy or rebuild', () => {
  test.each<[behaviour: string, move: Partial<ShardMove>, supply: string]>([
    ['a copy moves k times fewer bytes', {}, 'copy a1'],
    ['inside one zone too', { others: nearby }, 'copy a1'],
    ['a holder that is gone: four of the others', { holder: undefined }, 'rebuild a2 a3 b1 b2'],
    [
      'neighbours of the zone before others',
      { holder: undefined, others: givers('b1', 'c1', 'a9', 'b2', 'a8') },
      'rebuild a8 a9 b1 b2',
    ],
    [
      'a copy across zones costs more than a rebuild inside one',
      { holder: giver('b9'), others: nearby },
      'rebuild a2 a3 a4 a5',
    ],
    [
      'not where zones cost nothing',
      { holder: giver('b9'), others: nearby, crossZonePrice: 0 },
      'copy b9',
    ],
    ['a busy holder without a deadline is waited for', { holder: giver('a1', 1) }, 'copy a1'],
    [
      'a busy holder loses under a near deadline',
      { holder: giver('a1', 1), leftMs: millis(5_000) },
      'rebuild a2 a3 b1 b2',
    ],
    [
      'and so does one with a long queue',
      { holder: giver('a1', 100, 600), leftMs: millis(5_000) },
      'rebuild a2 a3 b1 b2',
    ],
    [
      'a near deadline that the copy keeps',
      { holder: giver('a1', 10), leftMs: millis(5_000) },
      'copy a1',
    ],
    [
      'a deadline that only faster nodes of other zones keep',
      {
        holder: giver('a1', 1),
        others: [giver('a2', 1), giver('a3', 1), ...givers('b1', 'b2', 'c1', 'c2')],
        leftMs: millis(2_000),
      },
      'rebuild b1 b2 c1 c2',
    ],
    [
      'a deadline that is past: the fastest',
      { holder: giver('a1', 20), leftMs: millis(-1) },
      'rebuild a2 a3 b1 b2',
    ],
    [
      'the destination takes k shards for one: too slow for it, the copy is faster',
      {
        holder: giver('a1', 20),
        leftMs: millis(-1),
        to: { zone: zone('a'), rate: bytesPerSecond(20 * MB), aheadBytes: bytes(0) },
      },
      'copy a1',
    ],
    [
      'neighbours that were asked for much already make place',
      {
        holder: undefined,
        others: [giver('b1', 100, 50), ...givers('b2', 'b3', 'b4', 'b5')],
      },
      'rebuild b2 b3 b4 b5',
    ],
    [
      'a holder that gives nothing at all',
      { holder: giver('a1', 0), leftMs: millis(60_000) },
      'rebuild a2 a3 b1 b2',
    ],
    ['too few others: the copy is all there is', { others: givers('a2') }, 'copy a1'],
    [
      'too few of everything',
      { holder: undefined, others: givers('a2', 'b1', 'c1') },
      'too-few-shards 3 of 4',
    ],
  ])('%s', (_behaviour, over, expected) => {
    const supply = copyOrRebuild(move(over));
    if (supply.kind === 'copy') expect(`copy ${supply.from}`).toBe(expected);
    else if (supply.kind === 'rebuild')
      expect(['rebuild', ...supply.from.slice(0, 4)].join(' ')).toBe(expected);
    else expect(`${supply.kind} ${supply.live} of ${supply.needed}`).toBe(expected);
  });

  test('says who else may rebuild it, where the copy fails', () => {
    const supply = copyOrRebuild(move({}));
    expect(supply).toMatchObject({ kind: 'copy', spare: ['a2', 'a3', 'b1', 'b2', 'c1'] });
  });

  test('equal inputs in another order give the same', () => {
    const over = { holder: undefined, others: givers('c1', 'b2', 'a3', 'b1', 'a2') };
    expect(copyOrRebuild(move(over))).toEqual(copyOrRebuild(move({ holder: undefined })));
  });
});
