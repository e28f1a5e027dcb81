import type { Key, TableName } from '../contract/keys.ts';
import type {
  Fields,
  Item,
  Op,
  Page,
  Refusal,
  Value,
  When,
  WriteResult,
} from '../control/ports.ts';
import { opsMax } from '../control/ports.ts';

/** What one write did to one item. */
export interface Change {
  readonly key: Key;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

interface Entry {
  readonly item: Item;
  /** Virtual moment of the write that made it so. */
  readonly writtenAt: number;
}

interface Partition {
  readonly entries: Map<string, Entry>;
  /** Sort keys in order; `undefined` until somebody asks for a page. */
  order: string[] | undefined;
}

/** DynamoDB honours a client request token for ten minutes. */
const tokenMs = 600_000;
const tokenLength = 36;

/** DynamoDB's answer to a token that comes again with another write. */
export class TokenReused extends Error {
  override readonly name = 'TokenReused';
}

/** DynamoDB's tables in memory: the state, its conditions and its transactions; no faults, no waiting. */
export class Store {
  readonly #tables = new Map<TableName, Map<string, Partition>>();
  readonly #tokens = new Map<string, { readonly ops: readonly Op[]; readonly until: number }>();
  readonly #now: () => number;
  readonly #observe: (changes: readonly Change[]) => void;

  /** `observe` sees every write that changed something, after it. */
  constructor(now: () => number, observe: (changes: readonly Change[]) => void = () => {}) {
    this.#now = now;
    this.#observe = observe;
  }

  get(key: Key): Item | undefined {
    return this.#partition(key.table, key.pk)?.entries.get(key.sk)?.item;
  }

  /** Virtual moment of the write that made the item what it is. */
  writtenAt(key: Key): number | undefined {
    return this.#partition(key.table, key.pk)?.entries.get(key.sk)?.writtenAt;
  }

  /** At most `limit` items after the sort key `after`, in order. */
  page(table: TableName, pk: string, prefix: string, after: string, limit: number): Page {
    const partition = this.#partition(table, pk);
    if (partition === undefined) return { items: [] };
    partition.order ??= [...partition.entries.keys()].sort();
    const { order, entries } = partition;
    const items: Item[] = [];
    let at = firstAfter(order, after, prefix);
    for (; at < order.length && items.length < limit; at++) {
      if (!order[at]!.startsWith(prefix)) break;
      items.push(entries.get(order[at]!)!.item);
    }
    const more = at < order.length && order[at]!.startsWith(prefix);
    return more ? { items, next: order[at - 1] ?? after } : { items };
  }

  all(table: TableName, pk: string, prefix = ''): readonly Item[] {
    return this.page(table, pk, prefix, '', Number.POSITIVE_INFINITY).items;
  }

  /** Every item of a table. */
  *items(table: TableName): Generator<Item> {
    for (const { entries } of this.#tables.get(table)?.values() ?? [])
      for (const { item } of entries.values()) yield item;
  }

  write(ops: readonly Op[], token?: string): WriteResult {
    assertWellFormed(ops, token);
    if (token !== undefined && this.#isRepeat(token, ops)) return { kind: 'committed' };
    const before = ops.map(({ key }) => this.get(key));
    const refusals = ops.flatMap((op, at): Refusal[] =>
      holds(op.when, before[at]) ? [] : [{ op: at, current: before[at] }],
    );
    if (refusals.length > 0) return { kind: 'refused', refusals };
    const changes = ops.flatMap((op, at): Change[] => {
      if (op.op === 'check') return [];
      const after = afterOp(op, before[at]);
      this.#set(op.key, after);
      return [{ key: op.key, before: before[at], after }];
    });
    if (token !== undefined) this.#remember(token, ops);
    this.#observe(changes);
    return { kind: 'committed' };
  }

  #set(key: Key, item: Item | undefined): void {
    let partition = this.#partition(key.table, key.pk);
    if (partition === undefined) {
      if (item === undefined) return;
      partition = { entries: new Map(), order: undefined };
      this.#add(key, partition);
    }
    const had = partition.entries.has(key.sk);
    if (had && item === undefined) reorder(partition.order, key.sk, 'without');
    if (!had && item !== undefined) reorder(partition.order, key.sk, 'with');
    if (item === undefined) partition.entries.delete(key.sk);
    else partition.entries.set(key.sk, { item, writtenAt: this.#now() });
  }

  #partition(table: TableName, pk: string): Partition | undefined {
    return this.#tables.get(table)?.get(pk);
  }

  #add({ table, pk }: Key, partition: Partition): void {
    const partitions = this.#tables.get(table) ?? new Map<string, Partition>();
    this.#tables.set(table, partitions.set(pk, partition));
  }

  #isRepeat(token: string, ops: readonly Op[]): boolean {
    const known = this.#tokens.get(token);
    if (known === undefined || known.until < this.#now()) return false;
    if (JSON.stringify(known.ops) !== JSON.stringify(ops)) {
      throw new TokenReused('IdempotentParameterMismatch: the token was used for another write');
    }
    return true;
  }

  /** Time only goes forward, so tokens are over in the order in which they came. */
  #remember(token: string, ops: readonly Op[]): void {
    for (const [old, { until }] of this.#tokens) {
      if (until >= this.#now()) break;
      this.#tokens.delete(old);
    }
    this.#tokens.delete(token);
    this.#tokens.set(token, { ops, until: this.#now() + tokenMs });
  }
}

/** Sorting anew after each write would make a pass that reads and writes in turns quadratic. */
function reorder(order: string[] | undefined, sk: string, outcome: 'with' | 'without'): void {
  if (order === undefined) return;
  const at = firstAfter(order, sk, '');
  if (outcome === 'with') order.splice(at, 0, sk);
  else order.splice(at - 1, 1);
}

function firstAfter(order: readonly string[], after: string, prefix: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order[middle]! <= after || order[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assertWellFormed(ops: readonly Op[], token: string | undefined): void {
  if (ops.length === 0 || ops.length > opsMax) {
    throw new RangeError(`a write of ${ops.length} ops: 1 to ${opsMax} are possible`);
  }
  const named = new Set(ops.map(({ key }) => `${key.table}|${key.pk}|${key.sk}`));
  if (named.size < ops.length) throw new RangeError('two ops of a write name one item');
  if (token !== undefined && token.length > tokenLength) {
    throw new RangeError(`a token of ${token.length} characters: ${tokenLength} at most`);
  }
}

function holds(when: When | undefined, item: Item | undefined): boolean {
  if (when === undefined) return true;
  if (when === 'absent') return item === undefined;
  if (item === undefined) return false;
  for (const field in when) {
    const wanted = when[field]!;
    const value = item[field];
    const fulfilled =
      typeof wanted === 'object' && wanted !== null
        ? wanted.oneOf.some((each) => each === value)
        : wanted === value;
    if (!fulfilled) return false;
  }
  return true;
}

function afterOp(op: Exclude<Op, { op: 'check' }>, before: Item | undefined): Item | undefined {
  const { pk, sk } = op.key;
  if (op.op === 'delete') return undefined;
  if (op.op === 'put') return { ...defined(op.fields), pk, sk };
  const after: Record<string, Value> = { ...before, ...(op.set && defined(op.set)), pk, sk };
  for (const [field, amount] of Object.entries(op.add ?? {})) {
    const old = after[field] ?? 0;
    if (typeof old !== 'number') throw new TypeError(`${pk} ${sk}: ${field} is no number`);
    after[field] = old + amount;
  }
  return after as Item;
}

/** A field without a value is not stored. */
const defined = (fields: Fields): Fields => {
  for (const field in fields) {
    if (fields[field] !== undefined) continue;
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  }
  return fields;
};
