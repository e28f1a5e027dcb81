import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { proxyTo } from '../../lib/local/table-proxy.ts';

/** A table service that answers when the test says so. */
let arrived: { readonly action: string; readonly answer: () => void }[];
const service = createServer((asked, response) => {
  const action = String(asked.headers['x-amz-target']).split('.')[1]!;
  arrived.push({ action, answer: () => response.end(action) });
});
let proxy: (asked: IncomingMessage, response: ServerResponse) => unknown;
const front = createServer((asked, response) => proxy(asked, response));

beforeEach(async () => {
  arrived = [];
  for (const server of [service, front]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const pass = proxyTo(new URL(`http://127.0.0.1:${(service.address() as AddressInfo).port}`), 2);
  const call = { service: 'dynamodb', principal: '', url: new URL('http://local/'), count() {} };
  proxy = (asked, response) => pass(asked, response, call);
});
afterEach(async () => {
  for (const server of [front, service]) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

function ask(action: string) {
  const { port } = front.address() as AddressInfo;
  const headers = { 'x-amz-target': `DynamoDB_20120810.${action}` };
  const asking = request({ host: '127.0.0.1', port, method: 'POST', headers });
  const answer = new Promise<string>((done) => {
    asking.on('error', () => done('gone'));
    asking.on('response', async (response) => {
      let text = '';
      for await (const part of response) text += part;
      done(text);
    });
  });
  asking.end('{}');
  return { answer, leave: () => asking.destroy() };
}

const actions = () => arrived.map(({ action }) => action);
const arrive = (count: number) => expect.poll(() => arrived.length).toBe(count);

test('two writes are under way at once, and reads overtake those that wait', async () => {
  const writes = ['PutItem', 'TransactWriteItems', 'UpdateItem', 'DeleteItem'].map(ask);
  await arrive(2);
  const read = ask('GetItem');
  await arrive(3);
  expect(actions()[2]).toBe('GetItem');
  arrived[2]!.answer();
  expect(await read.answer).toBe('GetItem');
  arrived[0]!.answer();
  await arrive(4);
  expect(['UpdateItem', 'DeleteItem']).toContain(actions()[3]);
  for (const at of [1, 3]) arrived[at]!.answer();
  await arrive(5);
  arrived[4]!.answer();
  const answers = await Promise.all(writes.map(({ answer }) => answer));
  expect(answers).toEqual(['PutItem', 'TransactWriteItems', 'UpdateItem', 'DeleteItem']);
});

test('who leaves, waiting or answered half, holds nobody up', async () => {
  const [first, second] = ['PutItem', 'PutItem'].map(ask);
  await arrive(2);
  const third = ask('UpdateItem');
  const fourth = ask('DeleteItem');
  third.leave();
  expect(await third.answer).toBe('gone');
  first!.leave();
  expect(await first!.answer).toBe('gone');
  await arrive(3);
  expect(actions()[2]).toBe('DeleteItem');
  for (const { answer } of arrived.slice(1)) answer();
  expect(await second!.answer).toBe('PutItem');
  expect(await fourth.answer).toBe('DeleteItem');
});
