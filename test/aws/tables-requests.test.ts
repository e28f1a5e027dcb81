import {
  BatchGetCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DynamoTables } from '../../lib/aws/tables.ts';
import type { Key } from '../../lib/contract/keys.ts';
import { type Op, OutcomeUnknown, TryLater } from '../../lib/control/ports.ts';
import { atOnce, awsError, socketError } from './settings.ts';

const sdk = mockClient(DynamoDBDocumentClient);
const names = { placement: 'the-placement', files: 'the-files', heartbeats: 'the-heartbeats' };
const tables = new DynamoTables(sdk as unknown as DynamoDBDocumentClient, names, atOnce);
beforeEach(() => sdk.reset());
afterAll(() => sdk.restore());

const key = (sk: string): Key => ({ table: 'placement', pk: 'p', sk });
const update: Op = {
  op: 'update',
  key: key('a'),
  set: { state: 'live', version: 4 },
  add: { count: 1 },
  when: { state: { oneOf: ['live', 'removed'] }, version: 3 },
};

describe('write', () => {
  test('one op is one plain conditional request', async () => {
    await tables.write([update]);
    expect(sdk.calls()).toHaveLength(1);
    expect(sdk.commandCalls(UpdateCommand)[0]!.args[0].input).toEqual({
      TableName: 'the-placement',
      Key: { pk: 'p', sk: 'a' },
      UpdateExpression: 'SET #state = :state, #version = :version ADD #count :plus_count',
      ConditionExpression: '#state IN (:was_state_0, :was_state_1) AND #version = :was_version',
      ExpressionAttributeNames: { '#state': 'state', '#version': 'version', '#count': 'count' },
      ExpressionAttributeValues: {
        ':state': 'live',
        ':version': 4,
        ':plus_count': 1,
        ':was_state_0': 'live',
        ':was_state_1': 'removed',
        ':was_version': 3,
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
  });

  test('a condition of absence mentions no names and no values', async () => {
    await tables.write([{ op: 'put', key: key('a'), fields: { b: 1 }, when: 'absent' }]);
    expect(sdk.commandCalls(PutCommand)[0]!.args[0].input).toEqual({
      TableName: 'the-placement',
      Item: { pk: 'p', sk: 'a', b: 1 },
      ConditionExpression: 'attribute_not_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
  });

  test.each<[behaviour: string, ops: Op[], token: string | undefined]>([
    ['several ops', [update, { op: 'delete', key: key('b') }], undefined],
    ['one op with a token', [update], '01JABCDEFGHJKMNPQRSTVWXYZ0'],
    ['a check', [{ op: 'check', key: key('b'), when: { state: 'active' } }], undefined],
  ])('a transaction with a token: %s', async (_behaviour, ops, token) => {
    await tables.write(ops, token);
    const [call] = sdk.commandCalls(TransactWriteCommand);
    expect(call!.args[0].input.TransactItems).toHaveLength(ops.length);
    expect(call!.args[0].input.ClientRequestToken).toEqual(token ?? expect.any(String));
  });

  test('a lost plain write is sent once, a lost transaction again with its token', async () => {
    sdk.onAnyCommand().rejects(socketError('ECONNRESET'));
    await expect(tables.write([update])).rejects.toThrow(OutcomeUnknown);
    expect(sdk.calls()).toHaveLength(1);
    sdk.resetHistory();
    await expect(tables.write([update, { op: 'delete', key: key('b') }])).rejects.toThrow(
      OutcomeUnknown,
    );
    const tokens = sdk
      .commandCalls(TransactWriteCommand)
      .map((call) => call.args[0].input.ClientRequestToken);
    expect(tokens).toHaveLength(3);
    expect(new Set(tokens).size).toBe(1);
  });

  test('a refusal shows the items that refused', async () => {
    const CancellationReasons = [
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Item: { pk: { S: 'p' }, version: { N: '9' } } },
      { Code: 'ConditionalCheckFailed' },
      { Code: 'TransactionConflict' },
    ];
    sdk
      .onAnyCommand()
      .rejects(awsError('TransactionCanceledException', 400, { CancellationReasons }));
    const ops = ['a', 'b', 'c', 'd'].map(
      (sk): Op => ({ op: 'delete', key: key(sk), when: { a: 1 } }),
    );
    expect(await tables.write(ops)).toEqual({
      kind: 'refused',
      refusals: [
        { op: 1, current: { pk: 'p', version: 9 } },
        { op: 2, current: undefined },
      ],
    });
  });
});

describe('reads', () => {
  test('are consistent: one key, many keys, a partition', async () => {
    sdk.on(GetCommand).resolves({});
    sdk.on(BatchGetCommand).resolves({});
    sdk.on(QueryCommand).resolves({ Items: [], LastEvaluatedKey: { pk: 'p', sk: 'x' } });
    await tables.get([key('a')]);
    await tables.get([key('a'), key('b'), key('a')]);
    expect(await tables.query('files', 'p', { prefix: 'B#', next: 'w' })).toEqual({
      items: [],
      next: 'x',
    });
    expect(sdk.commandCalls(GetCommand)[0]!.args[0].input.ConsistentRead).toBe(true);
    expect(sdk.commandCalls(BatchGetCommand)[0]!.args[0].input.RequestItems).toEqual({
      'the-placement': {
        ConsistentRead: true,
        Keys: [
          { pk: 'p', sk: 'a' },
          { pk: 'p', sk: 'b' },
        ],
      },
    });
    expect(sdk.commandCalls(QueryCommand)[0]!.args[0].input).toMatchObject({
      TableName: 'the-files',
      ConsistentRead: true,
      ExclusiveStartKey: { pk: 'p', sk: 'w' },
    });
  });

  test('ask again for the keys that were handed back', async () => {
    const UnprocessedKeys = { 'the-placement': { Keys: [{ pk: 'p', sk: 'b' }] } };
    sdk
      .on(BatchGetCommand)
      .resolvesOnce({
        Responses: { 'the-placement': [{ pk: 'p', sk: 'a', n: 1 }] },
        UnprocessedKeys,
      })
      .resolves({ Responses: { 'the-placement': [{ pk: 'p', sk: 'b', n: 2 }] } });
    const found = await tables.get([key('b'), key('a'), key('c')]);
    expect(found.map((item) => item?.n)).toEqual([2, 1, undefined]);
    expect(sdk.commandCalls(BatchGetCommand)[1]!.args[0].input.RequestItems).toEqual(
      UnprocessedKeys,
    );
  });

  test('fail rather than answer a part', async () => {
    const UnprocessedKeys = { 'the-placement': { Keys: [{ pk: 'p', sk: 'b' }] } };
    sdk.on(BatchGetCommand).resolves({ UnprocessedKeys });
    await expect(tables.get([key('a'), key('b')])).rejects.toThrow(TryLater);
  });

  test('that get no answer are to be tried later', async () => {
    sdk.on(QueryCommand).rejects(awsError('InternalServerError', 500));
    await expect(tables.query('placement', 'p')).rejects.toThrow(TryLater);
  });
});

test('writeEach sends 25 an item and again what was handed back', async () => {
  const left = { 'the-placement': [{ DeleteRequest: { Key: { pk: 'p', sk: '0' } } }] };
  sdk.on(BatchWriteCommand).resolvesOnce({ UnprocessedItems: left }).resolves({});
  await tables.writeEach(
    Array.from({ length: 60 }, (_, i) => ({ op: 'delete', key: key(String(i)) }) as const),
  );
  const sizes = sdk
    .commandCalls(BatchWriteCommand)
    .map((call) => call.args[0].input.RequestItems!['the-placement']!.length);
  expect(sizes.toSorted()).toEqual([1, 10, 25, 25]);
});
