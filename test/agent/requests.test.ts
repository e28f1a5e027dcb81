import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { heat, put, read, stats } from './agent-calls.ts';
import { arrivalOf, capability, randomArrival, sha256Of } from './arrivals.ts';
import { type RawRequest, rawRequest } from './raw-request.ts';
import { type Started, startedAgent } from './started-agent.ts';

const zeros = '0'.repeat(64);
const ones = '1'.repeat(64);
const hello = arrivalOf(Buffer.from('hello'));

const by = (op: Parameters<typeof capability>[1], subject?: string) => ({
  authorization: `Bearer ${capability('n1', op, subject)}`,
  'x-ballast-protocol': '1',
});
const putPath = (chunk: string, sha256: string, epoch = 1, slot = 0) =>
  `/chunks/${chunk}?slot=${slot}&epoch=${epoch}&sha256=${sha256}`;
const posted = (path: string, op: 'pull' | 'delete', content: object | string): RawRequest => {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  const headers = { ...by(op, sha256Of(Buffer.from(body))), 'content-length': `${body.length}` };
  return { method: 'POST', path, body, headers };
};
const pullOf = (address: string, over: object = {}) => ({
  sources: [{ node: 'n2', address }],
  chunks: [{ chunk: ones, slot: 0, size: 1, sha256: ones, epoch: 1, reads: [null], ...over }],
  rate: 1,
});

type Row = [status: number, kind: string | undefined, behaviour: string, request: RawRequest];
const statuses: Row[] = [
  [
    201,
    undefined,
    'a put is stored',
    {
      method: 'PUT',
      path: putPath(ones, sha256Of(Buffer.from('x'))),
      headers: by('put', ones),
      body: 'x',
    },
  ],
  [
    200,
    undefined,
    'a get is answered',
    { method: 'GET', path: `/chunks/${hello.chunk}`, headers: by('read', hello.chunk) },
  ],
  [
    206,
    undefined,
    'a range is answered',
    {
      method: 'GET',
      path: `/chunks/${hello.chunk}`,
      headers: { ...by('read', hello.chunk), range: 'bytes=1-2' },
    },
  ],
  [
    416,
    'bad-range',
    'a range past the end',
    {
      method: 'GET',
      path: `/chunks/${hello.chunk}`,
      headers: { ...by('read', hello.chunk), range: 'bytes=5-' },
    },
  ],
  [
    200,
    undefined,
    'a head is answered',
    { method: 'HEAD', path: `/chunks/${hello.chunk}`, headers: by('read', hello.chunk) },
  ],
  [
    200,
    undefined,
    'a delete is done',
    {
      method: 'DELETE',
      path: `/chunks/${hello.chunk}?version=5`,
      headers: by('delete', hello.chunk),
    },
  ],
  [
    200,
    undefined,
    'removals are done',
    posted('/removals', 'delete', { removals: [{ chunk: ones, version: 1 }] }),
  ],
  [
    200,
    undefined,
    'the inventory is told',
    { method: 'GET', path: '/inventory', headers: by('inspect') },
  ],
  [
    200,
    undefined,
    'heat is told',
    { method: 'GET', path: '/heat?limit=5', headers: by('inspect') },
  ],
  [
    403,
    'wrong-capability',
    'heat is for those who may inspect',
    { method: 'GET', path: '/heat', headers: by('read', hello.chunk) },
  ],
  [
    200,
    undefined,
    'statistics are told',
    { method: 'GET', path: '/stats', headers: by('inspect') },
  ],
  [200, undefined, 'health needs no capability', { method: 'GET', path: '/healthz' }],
  [
    400,
    'malformed',
    'another protocol',
    { method: 'GET', path: '/stats', headers: { ...by('inspect'), 'x-ballast-protocol': '2' } },
  ],
  [400, 'malformed', 'no such path', { method: 'GET', path: '/chunk', headers: by('inspect') }],
  [
    400,
    'malformed',
    'no such method',
    { method: 'PATCH', path: `/chunks/${ones}`, headers: by('put', ones), body: 'x' },
  ],
  [
    400,
    'malformed',
    'no epoch',
    {
      method: 'PUT',
      path: `/chunks/${ones}?slot=0&sha256=${ones}`,
      headers: by('put', ones),
      body: 'x',
    },
  ],
  [
    400,
    'malformed',
    'two epochs',
    { method: 'PUT', path: `${putPath(ones, ones)}&epoch=2`, headers: by('put', ones), body: 'x' },
  ],
  [
    400,
    'malformed',
    'an epoch below zero',
    { method: 'PUT', path: putPath(ones, ones, -1), headers: by('put', ones), body: 'x' },
  ],
  [
    400,
    'malformed',
    'a checksum that is none',
    { method: 'PUT', path: putPath(ones, 'abc'), headers: by('put', ones), body: 'x' },
  ],
  [
    400,
    'malformed',
    'no version',
    { method: 'DELETE', path: `/chunks/${hello.chunk}`, headers: by('delete', hello.chunk) },
  ],
  [
    400,
    'malformed',
    'an inventory after what is no id',
    { method: 'GET', path: '/inventory?after=..', headers: by('inspect') },
  ],
  [400, 'malformed', 'a body that is no JSON', posted('/pulls', 'pull', '{')],
  [400, 'malformed', 'a body that is something else', posted('/pulls', 'pull', {})],
  [
    400,
    'malformed',
    'removals that are none',
    posted('/removals', 'delete', { removals: [{ chunk: '..', version: 1 }] }),
  ],
  [
    400,
    'malformed',
    'a pull of a chunk that is too large',
    posted('/pulls', 'pull', pullOf('10.0.0.1:1', { size: 2 ** 26 + 1 })),
  ],
  [
    401,
    'bad-capability',
    'no capability',
    { method: 'GET', path: '/stats', headers: { 'x-ballast-protocol': '1' } },
  ],
  [
    401,
    'bad-capability',
    'an unsigned word',
    {
      method: 'GET',
      path: '/stats',
      headers: { authorization: 'Bearer x', 'x-ballast-protocol': '1' },
    },
  ],
  [
    403,
    'wrong-capability',
    'a capability for something else',
    { method: 'GET', path: '/stats', headers: by('read', ones) },
  ],
  [
    404,
    'not-held',
    'a chunk that is not held',
    { method: 'GET', path: `/chunks/${zeros}`, headers: by('read', zeros) },
  ],
  [
    404,
    undefined,
    'a head of what is not held',
    { method: 'HEAD', path: `/chunks/${zeros}`, headers: by('read', zeros) },
  ],
  [
    409,
    'below-fence',
    'a put below the fence',
    {
      method: 'PUT',
      path: putPath(hello.chunk, hello.sha256, 4),
      headers: by('put', hello.chunk),
      body: 'hello',
    },
  ],
  [
    409,
    'below-fence',
    'a delete below the fence',
    {
      method: 'DELETE',
      path: `/chunks/${hello.chunk}?version=4`,
      headers: by('delete', hello.chunk),
    },
  ],
  [
    411,
    'no-length',
    'a put without its length',
    {
      method: 'PUT',
      path: putPath(ones, ones),
      headers: { ...by('put', ones), 'transfer-encoding': 'chunked' },
      body: 'x',
    },
  ],
  [
    413,
    'too-large',
    'more than 64 MiB',
    {
      method: 'PUT',
      path: putPath(ones, ones),
      headers: { ...by('put', ones), 'content-length': `${2 ** 26 + 1}` },
    },
  ],
  [
    422,
    'checksum',
    'other bytes than announced',
    { method: 'PUT', path: putPath(ones, ones), headers: by('put', ones), body: 'x' },
  ],
  [
    507,
    'full',
    'more than there is room for',
    { method: 'PUT', path: putPath(ones, ones), headers: by('put', ones), body: Buffer.alloc(200) },
  ],
];

const small = (): Promise<Started> => startedAgent({ capacityBytes: 100 });

describe('what the agent answers', () => {
  test.each(statuses)('%i %s: %s', async (status, kind, _behaviour, request) => {
    const agent = await small();
    await put(agent, { ...hello, epoch: 5 });
    const answer = await rawRequest(agent.port, request);
    expect({ status: answer.status, kind: answer.kind }).toEqual({ status, kind });
    expect(await readdir(`${agent.directory}/tmp`)).toEqual([]);
    expect((await stats(agent)).diskSuspect).toBe(false);
  });

  test('heat counts what clients read, not what migrations read, and forgets what is gone', async () => {
    const agent = await small();
    const world = arrivalOf(Buffer.from('world'));
    for (const arrival of [hello, world]) await put(agent, arrival);
    const get = (chunk: string, headers: object = {}) =>
      rawRequest(agent.port, {
        method: 'GET',
        path: `/chunks/${chunk}`,
        headers: { ...by('read', chunk), ...headers },
      });
    for (let i = 0; i < 3; i++) await get(world.chunk);
    await get(hello.chunk);
    await get(hello.chunk, { 'x-ballast-transfer': 'background' });
    const told = await heat(agent);
    expect(told.map(({ chunk }) => chunk)).toEqual([world.chunk, hello.chunk]);
    expect(told.map((each) => Math.round(each.heat))).toEqual([3, 1]);
    expect((await heat(agent, 1)).length).toBe(1);
    await agent.parts.store.remove(world.chunk, 1);
    expect((await heat(agent)).map(({ chunk }) => chunk)).toEqual([hello.chunk]);
  });

  test.each([
    ['bytes=0-0', 'h', 'bytes 0-0/5'],
    ['bytes=1-', 'ello', 'bytes 1-4/5'],
    ['bytes=-2', 'lo', 'bytes 3-4/5'],
    ['bytes=-99', 'hello', 'bytes 0-4/5'],
    ['bytes=3-99', 'lo', 'bytes 3-4/5'],
    ['bytes=3-1', 'hello', undefined],
    ['bytes=0-1,3-4', 'hello', undefined],
    ['lines=0-1', 'hello', undefined],
  ])('range %s', async (range, body, told) => {
    const agent = await small();
    await put(agent, hello);
    const headers = { ...by('read', hello.chunk), range };
    const answer = await rawRequest(agent.port, {
      method: 'GET',
      path: `/chunks/${hello.chunk}`,
      headers,
    });
    expect(answer.body.toString()).toBe(body);
    expect(answer.headers['content-range']).toBe(told);
  });

  test('ids that are no ids never reach the disk', async () => {
    const agent = await small();
    const upper = 'A'.repeat(64);
    const hostile = [
      '',
      '.',
      '..',
      '../journal',
      '..%2fjournal',
      '%2e%2e/journal',
      `${ones}/../../journal`,
      `${ones}%00`,
      `${ones.slice(1)}`,
      `${ones}1`,
      upper,
      `..${ones.slice(2)}`,
      '%31'.repeat(64),
      `${ones}%2f..`,
      `//${ones}`,
      '\\..\\journal',
      'chunks-evil',
      `${ones};a`,
      '１'.repeat(64).slice(0, 1),
    ].map((id) => encodeURI(id).replace(/%25/g, '%'));
    for (const id of hostile) {
      for (const method of ['GET', 'PUT', 'DELETE', 'HEAD']) {
        const path = `/chunks/${id}?slot=0&epoch=1&version=1&sha256=${ones}`;
        const headers = by('read', id);
        const answer = await rawRequest(agent.port, {
          method,
          path,
          headers,
          ...(method === 'PUT' && { body: 'x' }),
        });
        expect([id, method, answer.status]).toEqual([id, method, 400]);
      }
    }
    expect((await readdir(agent.directory)).sort()).toEqual([
      'chunks',
      'incarnation',
      'journal',
      'tmp',
    ]);
  });

  test('a pull goes only to plain addresses of machines', async () => {
    const agent = await small();
    const addresses = [
      '169.254.169.254:80',
      '0.0.0.0:80',
      '224.0.0.1:80',
      '255.255.255.255:80',
      '2130706433:80',
      '0x7f.0.0.1:80',
      '0177.0.0.1:80',
      '127.1:80',
      '127.0.0.1',
      '127.0.0.1:0',
      '127.0.0.1:65536',
      'user@127.0.0.1:80',
      '127.0.0.1:80/x',
      '[::ffff:169.254.169.254]:80',
      'localhost:80',
      'metadata.internal:80',
      '１27.0.0.1:80',
      '127.0.0.1.:80',
      '256.0.0.1:80',
      ' 127.0.0.1:80',
      '',
    ];
    for (const address of addresses) {
      const { status } = await rawRequest(agent.port, posted('/pulls', 'pull', pullOf(address)));
      expect([address, status]).toEqual([address, 400]);
    }
  });

  test('a chunk with a symbolic link in its place is not read', async () => {
    const agent = await small();
    await put(agent, hello);
    const { rm, symlink } = await import('node:fs/promises');
    const path = `${agent.directory}/chunks/${hello.chunk[0]}/${hello.chunk}`;
    await rm(path);
    await symlink('/etc/hostname', path);
    await expect(read(agent, hello.chunk).next()).rejects.toMatchObject({ status: 404 });
  });

  test('a body that breaks off leaves nothing and gives its room back', async () => {
    const agent = await small();
    const body = Buffer.alloc(90);
    const head = [
      `PUT ${putPath(ones, sha256Of(body))} HTTP/1.1`,
      'host: a',
      `content-length: ${body.length}`,
      ...Object.entries(by('put', ones)).map(([name, value]) => `${name}: ${value}`),
    ];
    const socket = connect(agent.port, '127.0.0.1');
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(body.subarray(0, 50));
    await expect.poll(() => agent.parts.traffic.connections).toBe(1);
    await expect(put(agent, randomArrival(20))).rejects.toMatchObject({ kind: 'full' });
    socket.destroy();
    await expect.poll(() => agent.parts.traffic.connections).toBe(0);
    await expect.poll(() => readdir(`${agent.directory}/tmp`)).toEqual([]);
    await put(agent, randomArrival(20));
    expect(await stats(agent)).toMatchObject({ usedBytes: 20, chunks: 1 });
  });

  test('used and reserved bytes never pass the capacity, however many puts come at once', async () => {
    const agent = await startedAgent({ capacityBytes: 10_000 });
    const puts = Array.from({ length: 40 }, () => put(agent, randomArrival(1_000)));
    const settled = await Promise.allSettled(puts);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await stats(agent)).toMatchObject({ usedBytes: 10_000, chunks: 10 });
    expect(settled.filter(({ status }) => status === 'rejected')).toSatisfy(
      (refused: { reason: { kind: string } }[]) =>
        refused.every(({ reason }) => reason.kind === 'full'),
    );
  });

  test('a refusal comes before the body, and the connection lives on', async () => {
    const agent = await startedAgent({ capacityBytes: 1_000 });
    const body = Buffer.alloc(8 * 2 ** 20);
    const large = { ...arrivalOf(body), bytes: body };
    for (let i = 0; i < 3; i += 1)
      await expect(put(agent, large)).rejects.toMatchObject({ status: 507, kind: 'full' });
    await put(agent, hello);
  });
});
