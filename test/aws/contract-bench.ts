import { expect } from 'vitest';
import type { Key } from '../../lib/contract/keys.ts';
import type { Fields, Item, Op, Tables } from '../../lib/control/ports.ts';

let partitions = 0;

/** Keys in a partition that no other test uses. */
export const fresh = () => {
  const pk = `partition-${partitions++}`;
  return (sk: string | number): Key => ({ table: 'placement', pk, sk: String(sk) });
};

export const put = (key: Key, fields: Fields): Op => ({ op: 'put', key, fields });

export async function read(tables: Tables, key: Key): Promise<Item | undefined> {
  const [item] = await tables.get([key]);
  return item;
}

/** An item's fields without its key, which must be the one that was asked for. */
export async function fieldsOf(tables: Tables, key: Key): Promise<Fields | undefined> {
  const item = await read(tables, key);
  if (item === undefined) return undefined;
  const { pk, sk, ...fields } = item;
  expect({ pk, sk }).toEqual({ pk: key.pk, sk: key.sk });
  return fields;
}

/** Every item of a partition, page by page. */
export async function all(tables: Tables, pk: string, prefix?: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  let next: string | undefined;
  do {
    const from = { ...(prefix !== undefined && { prefix }), ...(next !== undefined && { next }) };
    const page = await tables.query('placement', pk, from);
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined);
  return items;
}

export const committed = { kind: 'committed' };

/** A refusal of these ops; each shows its item if it has one. */
export const refused = (...refusals: readonly (readonly [op: number, fields?: Fields])[]) => ({
  kind: 'refused',
  refusals: refusals.map(([op, fields]) => ({
    op,
    current: fields === undefined ? undefined : expect.objectContaining(fields),
  })),
});
