import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sentOnce } from '../../lib/aws/client-options.ts';
import { DynamoTables } from '../../lib/aws/tables.ts';
import { type Op, OutcomeUnknown, TryLater } from '../../lib/control/ports.ts';
import { atOnce } from './settings.ts';

/** What the SDK makes of a network that fails, over real sockets. */
let server: Server;
let answer: (response: ServerResponse) => void;
let requests: number;
let tables: DynamoTables;

beforeEach(async () => {
  requests = 0;
  server = createServer((request, response) => {
    requests++;
    request.resume().on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new DynamoDBClient({
    ...sentOnce(200),
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const names = { placement: 'p', files: 'f', heartbeats: 'h' };
  tables = new DynamoTables(DynamoDBDocumentClient.from(client), names, atOnce);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const put: Op = { op: 'put', key: { table: 'placement', pk: 'p', sk: 's' }, fields: {} };
const says =
  (status: number, body: string): typeof answer =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);

test.each<[behaviour: string, answer: typeof answer, ends: unknown, requests: number]>([
  ['no answer in time', () => {}, OutcomeUnknown, 1],
  ['the connection breaks', (response) => response.socket!.resetAndDestroy(), OutcomeUnknown, 1],
  ['the connection ends', (response) => response.socket!.end(), OutcomeUnknown, 1],
  ['half an answer', says(200, '{"Attri'), OutcomeUnknown, 1],
  ['an internal error', says(500, '{"__type":"InternalServerError"}'), OutcomeUnknown, 1],
  ['a page of a proxy', says(502, '<html>'), OutcomeUnknown, 1],
  ['throttled', says(400, '{"__type":"x#ThrottlingException","message":"slow"}'), TryLater, 8],
  ['a mistake', says(400, '{"__type":"x#ValidationException"}'), Error, 1],
])('a write ends well known: %s', async (_behaviour, how, ends, times) => {
  answer = how;
  const error = await tables.write([put]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ends);
  if (ends === Error) expect((error as Error).name).toBe('ValidationException');
  expect(requests).toBe(times);
});

test('nobody listens: nothing was written', async () => {
  await new Promise((resolve) => server.close(resolve));
  await expect(tables.write([put])).rejects.toThrow(TryLater);
});
