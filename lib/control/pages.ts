import type { TableName } from '../contract/keys.ts';
import type { Item, Tables } from './ports.ts';

/** The pages of a partition, to the very last: an empty page is not the end, only a missing `next` is. */
export async function* pagesOf(
  tables: Tables,
  table: TableName,
  pk: string,
  prefix?: string,
): AsyncGenerator<readonly Item[]> {
  let next: string | undefined;
  do {
    const page = await tables.query(table, pk, {
      ...(prefix !== undefined && { prefix }),
      ...(next !== undefined && { next }),
    });
    yield page.items;
    next = page.next;
  } while (next !== undefined);
}

export async function queryAll(
  tables: Tables,
  table: TableName,
  pk: string,
  prefix?: string,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of pagesOf(tables, table, pk, prefix)) items.push(...page);
  return items;
}
