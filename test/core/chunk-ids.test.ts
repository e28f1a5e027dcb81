import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkIds } from '../../lib/core/chunk-ids.ts';

test('any strings: each gets a number, is found by it, and comes back as it was', () => {
  const anyId = fc.oneof(
    fc.string({ maxLength: 12, unit: 'binary' }),
    fc.constantFrom('', 'ÿ', 'ÿ\u0000', '\ud800', 'c1', 'c10', '\u00ff\u007f\u0080'),
  );
  fc.assert(
    fc.property(fc.array(anyId, { maxLength: 200 }), anyId, (added, other) => {
      const ids = new ChunkIds();
      const distinct = [...new Set(added)];
      for (const id of added) ids.add(id);
      expect(ids.count).toBe(distinct.length);
      expect(distinct.map((_, number) => ids.at(number))).toEqual(distinct);
      expect(distinct.map((id) => ids.indexOf(id))).toEqual([...distinct.keys()]);
      expect(ids.indexOf(other)).toBe(
        distinct.includes(other) ? distinct.indexOf(other) : undefined,
      );
      expect(ids.add(other)).toBe(distinct.includes(other) ? undefined : distinct.length);
    }),
  );
});

test('a hundred thousand ids that differ in a digit', () => {
  const ids = new ChunkIds();
  for (let number = 0; number < 100_000; number++) ids.add(`c${number}`);
  expect([ids.count, ids.at(99_999), ids.indexOf('c70007')]).toEqual([100_000, 'c99999', 70_007]);
});
