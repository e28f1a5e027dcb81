import { describe, expect, test } from 'vitest';
import type { Op, Tables } from '../../lib/control/ports.ts';
import { committed, fieldsOf, fresh, put, read, refused } from './contract-bench.ts';

/** One op, and its condition. */
export function oneOpContract(t: () => Tables): void {
  describe('one op', () => {
    test('put stores fields as they are and replaces all of an item', async () => {
      const key = fresh()('a');
      const fields = {
        text: '',
        number: 9_007_199_254_740_991,
        fraction: 0.25,
        flag: false,
        nothing: null,
        list: ['x', 1, [], {}],
        nested: { deep: { a: 1 }, left: undefined },
        gone: undefined as unknown as string,
      };
      expect(await t().write([put(key, { old: 1 })])).toEqual(committed);
      expect(await t().write([put(key, fields)])).toEqual(committed);
      const { gone: _, ...kept } = fields;
      expect(await fieldsOf(t(), key)).toEqual({ ...kept, nested: { deep: { a: 1 } } });
      expect(Object.keys((await fieldsOf(t(), key))!)).not.toContain('gone');
    });

    test('an absent item reads as undefined', async () => {
      expect(await t().get([fresh()('a')])).toEqual([undefined]);
    });

    test('update sets, adds from nothing and to numbers, and leaves the rest', async () => {
      const key = fresh()('a');
      await t().write([put(key, { kept: 'k', state: 'old', count: 5 })]);
      const set = { state: 'new', absent: undefined as unknown as string };
      const update: Op = { op: 'update', key, set, add: { count: -2, first: 3 } };
      expect(await t().write([update])).toEqual(committed);
      expect(await fieldsOf(t(), key)).toEqual({ kept: 'k', state: 'new', count: 3, first: 3 });
    });

    test('update makes an item that is not there', async () => {
      const key = fresh()('a');
      expect(await t().write([{ op: 'update', key, add: { count: 1 } }])).toEqual(committed);
      expect(await fieldsOf(t(), key)).toEqual({ count: 1 });
    });

    test('delete removes, and again is committed too', async () => {
      const key = fresh()('a');
      await t().write([put(key, { a: 1 })]);
      expect(await t().write([{ op: 'delete', key }])).toEqual(committed);
      expect(await t().write([{ op: 'delete', key }])).toEqual(committed);
      expect(await read(t(), key)).toBeUndefined();
    });

    test('check changes nothing', async () => {
      const key = fresh()('a');
      expect(await t().write([{ op: 'check', key, when: 'absent' }])).toEqual(committed);
      expect(await read(t(), key)).toBeUndefined();
      expect(await t().write([{ op: 'check', key, when: { a: 1 } }])).toEqual(refused([0]));
    });
  });

  describe('a condition', () => {
    const item = { state: 'live', version: 3, flag: true, nothing: null };
    type Case = [behaviour: string, when: Op['when'], outcome: 'holds' | 'fails'];
    const cases: Case[] = [
      ['absent, and it is there', 'absent', 'fails'],
      ['an equal text', { state: 'live' }, 'holds'],
      ['another text', { state: 'removed' }, 'fails'],
      ['equal fields', { state: 'live', version: 3, flag: true }, 'holds'],
      ['one of the fields differs', { state: 'live', version: 4 }, 'fails'],
      ['a number is no text', { version: '3' }, 'fails'],
      ['null is a value', { nothing: null }, 'holds'],
      ['null is not a missing field', { other: null }, 'fails'],
      ['a missing field', { other: 'x' }, 'fails'],
      ['one of several', { state: { oneOf: ['removed', 'live'] } }, 'holds'],
      ['none of several', { state: { oneOf: ['removed', 'gone'] } }, 'fails'],
      ['one of several, and another field', { version: { oneOf: [2, 3] }, flag: true }, 'holds'],
      ['no fields: it is there', {}, 'holds'],
    ];
    for (const op of ['put', 'update', 'delete', 'check'] as const) {
      test.each(cases)(`of ${op}: %s`, async (_behaviour, when, outcome) => {
        const key = fresh()('a');
        await t().write([put(key, item)]);
        const after = {
          put: { a: 1 },
          update: { ...item, a: 1 },
          delete: undefined,
          check: item,
        };
        const conditional = { op, key, fields: { a: 1 }, set: { a: 1 }, when } as Op;
        const result = await t().write([conditional]);
        expect(result).toEqual(outcome === 'holds' ? committed : refused([0, item]));
        expect(await fieldsOf(t(), key)).toEqual(outcome === 'holds' ? after[op] : item);
      });
    }

    test.each<[string, Op['when'], 'holds' | 'fails']>([
      ['absent', 'absent', 'holds'],
      ['a field', { state: 'live' }, 'fails'],
      ['a null field', { state: null }, 'fails'],
      ['no fields', {}, 'fails'],
    ])('on an item that is not there: %s', async (_behaviour, when, outcome) => {
      const result = await t().write([
        { op: 'update', key: fresh()('a'), set: { a: 1 }, when: when! },
      ]);
      expect(result).toEqual(outcome === 'holds' ? committed : refused([0]));
    });
  });
}
