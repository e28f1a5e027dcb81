import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoTables } from '../../lib/aws/tables.ts';
import { createTable, type Dynoxide, startDynoxide } from './dynoxide.ts';
import { tablesContract } from './tables.contract.ts';

const names = { placement: 'the-placement', files: 'the-files', heartbeats: 'the-heartbeats' };
let dynoxide: Dynoxide;
let client: DynamoDBClient;

beforeAll(async () => {
  dynoxide = await startDynoxide();
  client = new DynamoDBClient({
    endpoint: dynoxide.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  for (const name of Object.values(names)) await createTable(client, name);
});
afterAll(async () => {
  client?.destroy();
  await dynoxide?.stop();
});

const tablesOf = () =>
  new DynamoTables(
    DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
    names,
  );

tablesContract('DynamoDB', () => ({ tables: tablesOf() }));

test('a page ends at 1 MB', async () => {
  const text = 'x'.repeat(100_000);
  const key = (i: number) => ({ table: 'placement', pk: 'large', sk: String(i) }) as const;
  const ops = Array.from({ length: 15 }, (_, i) => ({ op: 'put', key: key(i), fields: { text } }));
  await tablesOf().writeEach(ops as Parameters<DynamoTables['writeEach']>[0]);
  const first = await tablesOf().query('placement', 'large');
  expect(first.next).toBe(first.items.at(-1)!.sk);
  expect(first.items.length).toBeLessThan(15);
});
