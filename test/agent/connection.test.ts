import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type Address, Connection, StaleConnection } from '../../lib/agent/connection.ts';
import { connectionBytes } from '../../lib/agent/limits.ts';

type Answer = (socket: Socket, requests: number) => Promise<void> | void;

const servers: Server[] = [];
const sockets: Socket[] = [];

/** A server of bytes: what it sends is what the test says, whatever HTTP would. */
async function serve(answer: Answer): Promise<Address> {
  let requests = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (data.toString('latin1').endsWith('\r\n\r\n')) void answer(socket, ++requests);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port };
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const never = new AbortController().signal;
const head = (length: number, more = ''): string =>
  `HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** Reads as a disk does that is slow now and then: a piece must stay as it is until the next is asked for. */
async function bodyOf(connection: Connection, pauseMs = 0): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of connection.body(never)) {
    await delay(pauseMs);
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

async function read(address: Address): Promise<Buffer> {
  const connection = await Connection.open(address, never);
  await connection.get('/', {}, never);
  return bodyOf(connection);
}

test.each([
  0,
  1,
  connectionBytes - 200,
  connectionBytes,
  connectionBytes + 1,
  5 * connectionBytes + 77,
])('a body of %d bytes comes whole, again and again over one connection', async (size) => {
  const bodies = [randomBytes(size), randomBytes(size), randomBytes(size)];
  const address = await serve((socket, n) => {
    socket.write(Buffer.concat([Buffer.from(head(size)), bodies[n - 1]!]));
  });
  const connection = await Connection.open(address, never);
  for (const body of bodies) {
    expect(await connection.get('/chunks/x', {}, never)).toEqual({ status: 200, length: size });
    expect((await bodyOf(connection, 2)).equals(body)).toBe(true);
    expect(connection.isUsable).toBe(true);
  }
});

test('a head and a body that come byte by byte', async () => {
  const address = await serve(async (socket) => {
    for (const byte of Buffer.from(`${head(3)}abc`)) {
      socket.write(Buffer.of(byte));
      await delay(1);
    }
  });
  expect((await read(address)).toString()).toBe('abc');
});

test.each([
  ['an answer of another protocol', 'SSH-2.0-x\r\n\r\n'],
  ['an answer without a length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a head without an end', 'x'.repeat(connectionBytes)],
  ['more bytes than announced', `${head(3)}abcd`],
])('%s is refused', async (_what, answer) => {
  const address = await serve((socket) => void socket.write(answer));
  await expect(read(address)).rejects.toThrow(/agent|head|more bytes/);
});

test('a connection that is lost within a body', async () => {
  const address = await serve((socket) => void socket.end(`${head(10)}abc`));
  await expect(read(address)).rejects.toThrow('closed');
});

test('a peer that closes after each answer is not asked again', async () => {
  const address = await serve(
    (socket) => void socket.end(`${head(3, 'Connection: close\r\n')}abc`),
  );
  const connection = await Connection.open(address, never);
  await connection.get('/', {}, never);
  expect((await bodyOf(connection)).toString()).toBe('abc');
  expect(connection.isUsable).toBe(false);
});

test('a kept connection that the peer gives up as it is used again is told apart', async () => {
  const address = await serve((socket, n) => {
    if (n === 1) socket.write(`${head(3)}abc`);
    else socket.destroy();
  });
  const connection = await Connection.open(address, never);
  await connection.get('/', {}, never);
  await bodyOf(connection);
  await expect(connection.get('/', {}, never)).rejects.toThrow(StaleConnection);
  const first = await Connection.open(await serve((socket) => void socket.destroy()), never);
  await expect(first.get('/', {}, never)).rejects.not.toThrow(StaleConnection);
});

test('bytes that nobody asked for end the connection', async () => {
  const address = await serve(async (socket) => {
    socket.write(`${head(3)}abc`);
    await delay(20);
    socket.write('more');
  });
  const connection = await Connection.open(address, never);
  await connection.get('/', {}, never);
  await bodyOf(connection);
  await expect.poll(() => connection.isUsable).toBe(false);
});

test('an abandoned request ends at once, with the reason', async () => {
  const address = await serve((socket) => void socket.write(`${head(10)}abc`));
  const abandoned = new AbortController();
  const connection = await Connection.open(address, never);
  await connection.get('/', {}, never);
  setTimeout(() => abandoned.abort(new Error('enough')), 20);
  await expect(connection.body(abandoned.signal).next()).rejects.toThrow('enough');
  expect(connection.isUsable).toBe(false);
});

test('a body that is left early leaves no connection', async () => {
  const size = 4 * connectionBytes;
  const address = await serve((socket) => void socket.write(head(size) + 'x'.repeat(size)));
  const connection = await Connection.open(address, never);
  await connection.get('/', {}, never);
  for await (const _piece of connection.body(never)) break;
  await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
});

test('nobody listens', async () => {
  const address = await serve(() => {});
  await new Promise((resolve) => servers.pop()!.close(resolve));
  await expect(Connection.open(address, never)).rejects.toThrow('ECONNREFUSED');
});
