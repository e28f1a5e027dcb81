import { describe, expect, test } from 'vitest';
import type { Key } from '../../lib/contract/keys.ts';
import { type Op, opsMax, type Tables } from '../../lib/control/ports.ts';
import { all, committed, fieldsOf, fresh, put, read, refused } from './contract-bench.ts';

/** Transactions, their tokens, and writes without them. */
export function severalOpsContract(t: () => Tables): void {
  describe('several ops', () => {
    test('all are written, in several tables', async () => {
      const key = fresh();
      await t().write([put(key('gone'), { a: 1 }), put(key('counted'), { count: 1 })]);
      const elsewhere: Key = { ...key('x'), table: 'files' };
      const ops: Op[] = [
        put(key('new'), { a: 1 }),
        put(elsewhere, { a: 2 }),
        { op: 'delete', key: key('gone') },
        { op: 'update', key: key('counted'), add: { count: 1 } },
        { op: 'check', key: key('nowhere'), when: 'absent' },
      ];
      expect(await t().write(ops)).toEqual(committed);
      const found = await t().get([key('new'), elsewhere, key('gone'), key('counted')]);
      expect(found).toMatchObject([{ a: 1 }, { a: 2 }, undefined, { count: 2 }]);
    });

    test('nothing is written when one is refused; each refusal shows its item', async () => {
      const key = fresh();
      await t().write([put(key('a'), { version: 7, lastOp: 'them' })]);
      const ops: Op[] = [
        put(key('new'), { a: 1 }),
        { op: 'update', key: key('a'), set: { version: 2 }, when: { version: 1 } },
        { op: 'check', key: key('guard'), when: { state: 'active' } },
        { op: 'delete', key: key('fine') },
      ];
      expect(await t().write(ops)).toEqual(refused([1, { version: 7, lastOp: 'them' }], [2]));
      expect(await read(t(), key('new'))).toBeUndefined();
      expect(await fieldsOf(t(), key('a'))).toEqual({ version: 7, lastOp: 'them' });
    });

    test(`${opsMax} are one write`, async () => {
      const key = fresh();
      const ops = Array.from({ length: opsMax }, (_, i) => put(key(i), { i }));
      expect(await t().write(ops)).toEqual(committed);
      expect(await all(t(), key('').pk)).toHaveLength(opsMax);
    });

    test.each<[behaviour: string, ops: (key: (sk: string | number) => Key) => Op[]]>([
      ['none', () => []],
      ['too many', (key) => Array.from({ length: opsMax + 1 }, (_, i) => put(key(i), { i }))],
      ['two of one item', (key) => [put(key('a'), { a: 1 }), { op: 'delete', key: key('a') }]],
    ])('a mistake is thrown and writes nothing: %s', async (_behaviour, ops) => {
      const key = fresh();
      await expect(async () => t().write(ops(key))).rejects.toThrow();
      expect(await all(t(), key('').pk)).toEqual([]);
    });

    test('of concurrent writes under one version one wins', async () => {
      const key = fresh()('a');
      await t().write([put(key, { version: 1 })]);
      const update = (i: number): Op[] => [
        { op: 'update', key, set: { version: 2, by: i }, when: { version: 1 } },
        put({ ...key, sk: `log-${i}` }, {}),
      ];
      const results = await Promise.all([0, 1, 2, 3].map((i) => t().write(update(i))));
      expect(results.filter(({ kind }) => kind === 'committed')).toHaveLength(1);
      expect(await all(t(), key.pk, 'log-')).toHaveLength(1);
    });
  });

  describe('a token', () => {
    test('makes the same call the same write', async () => {
      const key = fresh();
      const ops: Op[] = [
        { op: 'update', key: key('a'), add: { count: 1 } },
        { op: 'put', key: key('b'), fields: {}, when: 'absent' },
      ];
      const token = crypto.randomUUID();
      expect(await t().write(ops, token)).toEqual(committed);
      expect(await t().write(ops, token)).toEqual(committed);
      expect(await fieldsOf(t(), key('a'))).toEqual({ count: 1 });
    });

    test('holds for one op too', async () => {
      const key = fresh()('a');
      const ops: Op[] = [{ op: 'update', key, add: { count: 1 } }];
      const token = crypto.randomUUID();
      await t().write(ops, token);
      expect(await t().write(ops, token)).toEqual(committed);
      expect(await fieldsOf(t(), key)).toEqual({ count: 1 });
    });

    test('with other ops is a mistake', async () => {
      const key = fresh()('a');
      const token = crypto.randomUUID();
      await t().write([put(key, { a: 1 })], token);
      await expect(async () => t().write([put(key, { a: 2 })], token)).rejects.toThrow();
      expect(await fieldsOf(t(), key)).toEqual({ a: 1 });
    });

    test('is spent by a write only, not by a refusal', async () => {
      const key = fresh()('a');
      const token = crypto.randomUUID();
      const ops: Op[] = [{ op: 'update', key, set: { a: 2 }, when: { a: 1 } }];
      expect(await t().write(ops, token)).toEqual(refused([0]));
      await t().write([put(key, { a: 1 })]);
      expect(await t().write(ops, token)).toEqual(committed);
    });
  });

  describe('writeEach', () => {
    test('puts and deletes 60 items', async () => {
      const key = fresh();
      await t().write(Array.from({ length: 30 }, (_, i) => put(key(i), { old: true })));
      const ops = Array.from({ length: 60 }, (_, i) =>
        i < 20
          ? ({ op: 'delete', key: key(i) } as const)
          : ({ op: 'put', key: key(i), fields: { i } } as const),
      );
      await t().writeEach(ops);
      const items = await all(t(), key('').pk);
      expect(items.map(({ sk, i, old }) => [Number(sk), i, old]).toSorted()).toEqual(
        Array.from({ length: 40 }, (_, i) => [i + 20, i + 20, undefined]),
      );
    });

    test('of nothing does nothing; of one item twice the last counts', async () => {
      const key = fresh()('a');
      await t().writeEach([]);
      await t().writeEach([1, 2].map((a) => ({ op: 'put', key, fields: { a } }) as const));
      expect(await fieldsOf(t(), key)).toEqual({ a: 2 });
    });
  });
}
