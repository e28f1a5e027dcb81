import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assert } from '../../lib/core/assert.ts';
import { judgeDelete, judgePut } from '../../lib/core/fence.ts';
import { byCodeUnit } from '../../lib/core/ids.ts';
import { mayStep, nodeStates, statesBefore } from '../../lib/core/lifecycle.ts';
import { epochMillis, formatBytes, later, millis } from '../../lib/core/units.ts';

describe('the fence of a chunk on a node', () => {
  const shelf = (fence: number, held: boolean, sha256 = 'ours') => ({ fence, held, sha256 });

  test.each([
    ['a first copy is stored', undefined, 0, 'store'],
    ['the same copy again is stored', shelf(3, true), 3, 'store'],
    ['a newer copy is stored', shelf(3, true), 4, 'store'],
    ['an older one is not', shelf(3, true), 2, 'below-fence'],
    ['nor over a tombstone', shelf(3, false), 2, 'below-fence'],
    ['another shard at the same fence is not', shelf(3, true, 'other'), 3, 'below-fence'],
    ['but a newer one is', shelf(3, true, 'other'), 4, 'store'],
    ['and so is any where nothing is held', shelf(3, false, 'other'), 3, 'store'],
    ['or the fence rose without a copy', { fence: 3, held: true }, 3, 'store'],
  ] as const)('%s', (_behaviour, on, epoch, verdict) =>
    expect(judgePut(on, epoch, 'ours')).toBe(verdict),
  );

  test.each([
    ['nothing to delete', undefined, 9, 'absent'],
    ['a delete that read this version', shelf(3, true), 3, 'unlink'],
    ['or a later one', shelf(3, true), 4, 'unlink'],
    ['not an earlier one: the chunk came back', shelf(3, true), 2, 'below-fence'],
    ['a second delete', shelf(3, false), 3, 'absent'],
    ['a stalled delete of what is gone', shelf(3, false), 2, 'below-fence'],
  ] as const)('%s', (_behaviour, on, version, verdict) =>
    expect(judgeDelete(on, version)).toBe(verdict),
  );

  test('a delete that was sent before a put destroys nothing of it, at any distance', () => {
    const nearby = fc
      .nat(3)
      .chain((version) =>
        fc.tuple(fc.constant(version), fc.integer({ min: version + 1, max: version + 3 })),
      );
    fc.assert(
      fc.property(nearby, ([read, put]) => judgeDelete(shelf(put, true), read) === 'below-fence'),
    );
  });
});

describe('the life of a node', () => {
  test('nothing leads back from terminating, and only terminating leads out of dead', () => {
    expect(nodeStates.filter((to) => mayStep('terminating', to))).toEqual(['gone']);
    expect(nodeStates.filter((to) => mayStep('dead', to))).toEqual(['terminating']);
    expect(nodeStates.filter((to) => mayStep('gone', to))).toEqual([]);
  });

  test('a node is only active from joining or by an undrain, and drained only from draining', () => {
    expect(statesBefore('active')).toEqual(['joining', 'draining']);
    expect(statesBefore('drained')).toEqual(['draining']);
    expect(statesBefore('dead')).toEqual(['launched', 'joining', 'active', 'draining', 'drained']);
  });
});

test('units, ids and assertions', () => {
  expect(later(epochMillis(5), millis(7))).toBe(12);
  expect([0, 1023, 1536, 20 * 2 ** 20, -2048, 2 ** 80].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.50 KiB',
    '20.0 MiB',
    '-2.00 KiB',
    '1048576.0 EiB',
  ]);
  expect(['b', 'B', 'a'].sort(byCodeUnit)).toEqual(['B', 'a', 'b']);
  expect(byCodeUnit('a', 'a')).toBe(0);
  expect(() => assert(false, 'it holds')).toThrow('broken promise: it holds');
  expect(() => assert(true, 'it holds')).not.toThrow();
});
