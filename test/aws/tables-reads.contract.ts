import { describe, expect, test } from 'vitest';
import type { Tables } from '../../lib/control/ports.ts';
import { all, fresh, put } from './contract-bench.ts';

/** Reads of keys and of partitions. */
export function readsContract(t: () => Tables): void {
  describe('get', () => {
    test('answers 250 keys in their order, with misses and doubles', async () => {
      const key = fresh();
      const even = Array.from({ length: 125 }, (_, i) => key(2 * i));
      await t().writeEach(even.map((each) => ({ op: 'put', key: each, fields: { n: each.sk } })));
      const asked = Array.from({ length: 250 }, (_, i) => key(249 - i));
      const found = await t().get([...asked, key(0), key(0)]);
      const expected = [...asked, key(0), key(0)].map(({ sk }) =>
        Number(sk) % 2 === 0 ? expect.objectContaining({ sk, n: sk }) : undefined,
      );
      expect(found).toEqual(expected);
    });

    test('of no key answers nothing', async () => {
      expect(await t().get([])).toEqual([]);
    });

    test('tells tables apart', async () => {
      const key = fresh()('a');
      const others = (['files', 'heartbeats'] as const).map((table) => ({ ...key, table }));
      await t().write([key, ...others].map((each) => put(each, { in: each.table })));
      const found = await t().get([...others, key]);
      expect(found.map((item) => item?.in)).toEqual(['files', 'heartbeats', 'placement']);
    });
  });

  describe('query', () => {
    test('goes through a partition of over 1 MB in the order of its sort keys', async () => {
      const key = fresh();
      const text = 'x'.repeat(50_000);
      const keys = Array.from({ length: 30 }, (_, i) => key(`k${String(i).padStart(3, '0')}`));
      const shuffled = keys.toSorted((left, right) =>
        left.sk.at(-1)! < right.sk.at(-1)! ? 1 : -1,
      );
      await t().writeEach(shuffled.map((each) => ({ op: 'put', key: each, fields: { text } })));
      const items = await all(t(), key('').pk);
      expect(items.map(({ sk }) => sk)).toEqual(keys.map(({ sk }) => sk));
    });

    test('keeps to the prefix, the partition and the table', async () => {
      const key = fresh();
      const keys = ['B#1', 'B#2', 'B', 'C#1', 'PACE'].map(key);
      await t().write(keys.map((each) => put(each, {})));
      await t().write([put({ ...key('B#3'), table: 'files' }, {}), put(fresh()('B#4'), {})]);
      const under = async (prefix?: string) =>
        (await all(t(), key('').pk, prefix)).map(({ sk }) => sk);
      expect(await under('B#')).toEqual(['B#1', 'B#2']);
      expect(await under('')).toEqual(['B', 'B#1', 'B#2', 'C#1', 'PACE']);
      expect(await under()).toHaveLength(5);
      expect(await under('X')).toEqual([]);
    });

    test('sees what was written just before', async () => {
      const key = fresh();
      for (let i = 0; i < 20; i++) {
        await t().write([put(key(i), {})]);
        expect(await all(t(), key('').pk)).toHaveLength(i + 1);
        await t().write([{ op: 'delete', key: key(i) }, put(key(`done-${i}`), {})]);
        expect(await all(t(), key('').pk)).toHaveLength(i + 1);
      }
    });
  });
}
