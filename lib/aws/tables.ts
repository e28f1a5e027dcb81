import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  BatchWriteCommand,
  type BatchWriteCommandInput,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Key, TableName } from '../contract/keys.ts';
import {
  type Item,
  type Op,
  opsMax,
  type Page,
  type Tables,
  TryLater,
  type WriteResult,
} from '../control/ports.ts';
import { assert } from '../core/assert.ts';
import { pieces } from '../core/pieces.ts';
import type { Settings } from './config.ts';
import { dynamoClient } from './dynamo.ts';
import { failureOf } from './errors.ts';
import { inLanes } from './lanes.ts';
import { backOff, persist, persistHarmless, type Wait } from './persist.ts';
import { batchRequest, type Names, refusalsIn, transactItem } from './requests.ts';

type Reads = NonNullable<BatchGetCommandInput['RequestItems']>;
type Puts = NonNullable<BatchWriteCommandInput['RequestItems']>;

const keysPerRead = 100;
const putsPerBatch = 25;
/** Calls of one read or one {@link Tables.writeEach} that are under way at once. */
const lanes = 4;
/** Times that DynamoDB may hand back a part of a batch that it had no time for. */
const leftoversMax = 8;
const tokenCharactersMax = 36;

export const dynamoTables = ({ tables }: Settings): Tables =>
  new DynamoTables(dynamoClient(), tables);

export class DynamoTables implements Tables {
  readonly #client: DynamoDBDocumentClient;
  readonly #names: Names;
  readonly #wait: Wait;

  /** The client must not retry by itself. */
  constructor(client: DynamoDBDocumentClient, names: Names, wait: Wait = pause) {
    this.#client = client;
    this.#names = names;
    this.#wait = wait;
  }

  async get(keys: readonly Key[]): Promise<readonly (Item | undefined)[]> {
    if (keys.length === 1) return [await this.#getOne(keys[0]!)];
    const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
    const found = await inLanes(lanes, pieces(distinct, keysPerRead), (some) =>
      this.#getSome(some),
    );
    const items = new Map(found.flatMap((some) => [...some]));
    return keys.map((key) => items.get(nameOf(key)));
  }

  async #getOne(key: Key): Promise<Item | undefined> {
    const input = {
      TableName: this.#names[key.table],
      Key: { pk: key.pk, sk: key.sk },
      ConsistentRead: true,
    };
    const { Item } = await this.#harmless(() => this.#client.send(new GetCommand(input)));
    return Item as Item | undefined;
  }

  async #getSome(keys: readonly Key[]): Promise<ReadonlyMap<string, Item>> {
    const found = new Map<string, Item>();
    await this.#untilNoneLeft(this.#readsByTable(keys), async (RequestItems) => {
      const answer = await this.#client.send(new BatchGetCommand({ RequestItems }));
      for (const table of tableNames) {
        for (const item of answer.Responses?.[this.#names[table]] ?? []) {
          found.set(nameOf({ ...(item as Item), table }), item as Item);
        }
      }
      return answer.UnprocessedKeys;
    });
    return found;
  }

  #readsByTable(keys: readonly Key[]): Reads {
    const byTable = Map.groupBy(keys, ({ table }) => this.#names[table]);
    return Object.fromEntries(
      [...byTable].map(([table, some]) => [
        table,
        { Keys: some.map(({ pk, sk }) => ({ pk, sk })), ConsistentRead: true },
      ]),
    );
  }

  async query(
    table: TableName,
    pk: string,
    from: { readonly prefix?: string; readonly next?: string } = {},
  ): Promise<Page> {
    const { prefix = '', next } = from;
    const input = {
      TableName: this.#names[table],
      ConsistentRead: true,
      KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': pk, ...(prefix !== '' && { ':prefix': prefix }) },
      ...(next !== undefined && { ExclusiveStartKey: { pk, sk: next } }),
    };
    const answer = await this.#harmless(() => this.#client.send(new QueryCommand(input)));
    const last = answer.LastEvaluatedKey as Item | undefined;
    const items = (answer.Items ?? []) as Item[];
    return last === undefined ? { items } : { items, next: last.sk };
  }

  /**
   * One op without a token is one plain conditional request, sent once: if its answer is lost, its
   * outcome is unknown. Anything else is a transaction: its token makes it the same write however
   * often it is sent.
   */
  async write(ops: readonly Op[], token?: string): Promise<WriteResult> {
    assertWellFormed(ops, token);
    const [only, ...more] = ops;
    const isPlain = only!.op !== 'check' && more.length === 0 && token === undefined;
    try {
      if (isPlain) await this.#writeOne(only as Exclude<Op, { op: 'check' }>);
      else await this.#writeTogether(ops, token ?? randomUUID());
      return { kind: 'committed' };
    } catch (error) {
      if (failureOf(error) !== 'refused') throw error;
      return { kind: 'refused', refusals: refusalsIn(error) };
    }
  }

  async #writeOne(op: Exclude<Op, { op: 'check' }>): Promise<void> {
    const { Put, Update, Delete } = transactItem(op, this.#names);
    const send = (): Promise<unknown> => {
      if (Put !== undefined) return this.#client.send(new PutCommand(Put));
      if (Update !== undefined) return this.#client.send(new UpdateCommand(Update));
      return this.#client.send(new DeleteCommand(Delete!));
    };
    await persist(send, { unknown: 'stop', wait: this.#wait });
  }

  async #writeTogether(ops: readonly Op[], ClientRequestToken: string): Promise<void> {
    const TransactItems = ops.map((op) => transactItem(op, this.#names));
    const send = () =>
      this.#client.send(new TransactWriteCommand({ TransactItems, ClientRequestToken }));
    await persist(send, { unknown: 'repeat', wait: this.#wait });
  }

  async writeEach(ops: Parameters<Tables['writeEach']>[0]): Promise<void> {
    // A batch may name an item once: the last op of an item wins, as it would in turn.
    const distinct = [...new Map(ops.map((op) => [nameOf(op.key), op])).values()];
    await inLanes(lanes, pieces(distinct, putsPerBatch), (some) => {
      const byTable = Map.groupBy(some, ({ key }) => this.#names[key.table]);
      const puts: Puts = Object.fromEntries(
        [...byTable].map(([table, of]) => [table, of.map(batchRequest)]),
      );
      return this.#untilNoneLeft(puts, async (RequestItems) => {
        const answer = await this.#client.send(new BatchWriteCommand({ RequestItems }));
        return answer.UnprocessedItems;
      });
    });
  }

  /**
   * Sends what a batch call hands back until nothing is left; its being handed back is a
   * throttling.
   */
  async #untilNoneLeft<Requests extends object>(
    all: Requests,
    send: (some: Requests) => Promise<Requests | undefined>,
  ): Promise<void> {
    let left: Requests | undefined = all;
    for (let sent = 0; left !== undefined && Object.keys(left).length > 0; sent++) {
      if (sent === leftoversMax) throw new TryLater(`DynamoDB handed a batch back ${sent} times`);
      if (sent > 0) await backOff(sent, this.#wait);
      const some: Requests = left;
      left = await this.#harmless(() => send(some));
    }
  }

  #harmless<T>(send: () => Promise<T>): Promise<T> {
    return persistHarmless(send, this.#wait);
  }
}

const tableNames: readonly TableName[] = ['placement', 'files', 'heartbeats'];

/** A NUL keeps two keys apart whose parts run together. */
const nameOf = ({ table, pk, sk }: Key): string => `${table}\0${pk}\0${sk}`;

function assertWellFormed(ops: readonly Op[], token: string | undefined): void {
  assert(
    ops.length >= 1 && ops.length <= opsMax,
    `a write has 1 to ${opsMax} ops, not ${ops.length}`,
  );
  const named = new Set(ops.map(({ key }) => nameOf(key)));
  assert(named.size === ops.length, 'a write names an item at most once');
  assert(
    (token ?? '').length <= tokenCharactersMax,
    `a token has ${tokenCharactersMax} characters at most`,
  );
}
