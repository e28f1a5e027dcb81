import { Buffer } from 'node:buffer';
import type { Key } from '../../lib/contract/keys.ts';
import type { Item, Op, Tables, Value } from '../../lib/control/ports.ts';

/** What DynamoDB would bill: on-demand request units, and requests. */
export interface Bill {
  calls: number;
  writeUnits: number;
  readUnits: number;
}

const kib = 1_024;
const keysPerRead = 100;
const putsPerBatch = 25;
/** A page of a query ends at 1 MB; a consistent read takes a unit for each 4 KB, a write for each KB. */
const readUnitBytes = 4 * kib;
const writeUnitBytes = kib;
/** In a transaction each write, and each condition check, is billed twice. */
const inTransaction = 2;

/**
 * DynamoDB's item sizes: attribute names and texts in UTF-8, a number a byte for two digits and one, a list or
 * map three bytes and one for each element.
 */
export function sizeOf(value: Value | undefined): number {
  if (value === undefined) return 0;
  if (value === null || typeof value === 'boolean') return 1;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(value).length / 2) + 1;
  if (Array.isArray(value)) return value.reduce((sum, each) => sum + 1 + sizeOf(each), 3);
  return 3 + Object.entries(value).reduce((sum, [name, each]) => sum + 1 + named(name, each), 0);
}
const named = (name: string, value: Value | undefined) => Buffer.byteLength(name) + sizeOf(value);
const itemBytes = (item: Item | undefined): number =>
  item === undefined
    ? 0
    : Object.entries(item).reduce((sum, [name, value]) => sum + named(name, value), 0);

const units = (bytes: number, perUnit: number) => Math.max(1, Math.ceil(bytes / perUnit));

/** The same tables, and what they would have cost. `look` reads an item without being billed. */
export function metered(tables: Tables, bill: Bill, look: (key: Key) => Item | undefined): Tables {
  const written = async <T>(ops: readonly Op[], times: number, write: () => Promise<T>) => {
    const before = ops.map(({ key }) => itemBytes(look(key)));
    const answer = await write();
    for (const [i, { key }] of ops.entries()) {
      const bytes = Math.max(before[i]!, itemBytes(look(key)));
      bill.writeUnits += times * units(bytes, writeUnitBytes);
    }
    return answer;
  };
  return {
    get: async (keys) => {
      bill.calls += Math.ceil(keys.length / keysPerRead);
      const items = await tables.get(keys);
      for (const item of items) bill.readUnits += units(itemBytes(item), readUnitBytes);
      return items;
    },
    query: async (table, pk, from) => {
      bill.calls++;
      const page = await tables.query(table, pk, from);
      const bytes = page.items.reduce((sum, item) => sum + itemBytes(item), 0);
      bill.readUnits += units(bytes, readUnitBytes);
      return page;
    },
    write: (ops, token) => {
      bill.calls++;
      const isPlain = ops.length === 1 && ops[0]!.op !== 'check' && token === undefined;
      return written(ops, isPlain ? 1 : inTransaction, () => tables.write(ops, token));
    },
    writeEach: (ops) => {
      bill.calls += Math.ceil(ops.length / putsPerBatch);
      return written(ops, 1, () => tables.writeEach(ops));
    },
  };
}
