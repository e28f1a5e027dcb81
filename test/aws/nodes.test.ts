import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RemovalRequest } from '../../lib/contract/agent.ts';
import { NodeRefused, NodeUnreachable } from '../../lib/control/ports.ts';
import { nodeId } from '../../lib/core/ids.ts';
import {
  type Answer,
  chunk,
  hash,
  json,
  lines,
  nodes,
  now,
  receipt,
  refusalOf,
  type ScriptedNode,
  type Seen,
  startNode,
} from './scripted-node.ts';

let node: ScriptedNode;
beforeEach(async () => {
  node = await startNode();
});
afterEach(() => node.stop());

const held = (name: string) => ({ ...receipt, chunk: chunk(name), ageMs: 5 });

describe('requests', () => {
  test('put sends the bytes, their checksum and the fence', async () => {
    node.answer = json(receipt, 201);
    const put = {
      chunk: chunk('a'),
      slot: 1,
      epoch: 3,
      sha256: hash('bytes'),
      bytes: Buffer.from('bytes'),
    };
    expect(await nodes.put(node.at, put)).toMatchObject({ chunk: chunk('a'), epoch: 3 });
    const [{ method, url, headers, body }] = node.seen as readonly [Seen];
    expect([method, url.pathname]).toEqual(['PUT', `/chunks/${chunk('a')}`]);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      slot: '1',
      epoch: '3',
      sha256: hash('bytes'),
    });
    expect(headers).toMatchObject({ 'content-length': '5', 'x-ballast-protocol': '1' });
    expect(body.toString()).toBe('bytes');
    expect(refusalOf(node.seen[0]!, 'put', chunk('a'))).toBeUndefined();
    expect(refusalOf(node.seen[0]!, 'put', chunk('b'))).toBe('wrong-subject');
    expect(refusalOf(node.seen[0]!, 'put', chunk('a'), now + 5 * 60_000 + 1)).toBe('expired');
  });

  test('read answers the bytes', async () => {
    node.answer = (response) => response.end('bytes');
    expect(Buffer.from(await nodes.read(node.at, chunk('a'))).toString()).toBe('bytes');
    expect(refusalOf(node.seen[0]!, 'read', chunk('a'))).toBeUndefined();
  });

  test('remove is allowed for its very body', async () => {
    node.answer = json([{ chunk: chunk('a'), outcome: 'unlink' }]);
    const removals = [{ chunk: chunk('a'), version: 7 }];
    expect(await nodes.remove(node.at, removals)).toEqual([
      { chunk: chunk('a'), outcome: 'unlink' },
    ]);
    expect(RemovalRequest.parse(JSON.parse(node.seen[0]!.body.toString()))).toEqual({ removals });
    expect(refusalOf(node.seen[0]!, 'delete', hash(node.seen[0]!.body))).toBeUndefined();
  });

  test('stats are looked at', async () => {
    const stats = {
      ...{ node: 'n1', instance: 'i-1', zone: 'a', incarnation: 'disk', usedBytes: 1 },
      ...{ capacityBytes: 2, chunks: 1, connections: 0, cpu: null, memory: 0.5, ioWait: null },
      ...{ p99Ms: 3, foregroundIn: 0, foregroundOut: 0, backgroundIn: 0, backgroundOut: 0 },
      ...{ diskSuspect: false, throttle: 'load', throttleReason: 'idle', backgroundRate: 5 },
      ...{ backgroundFactor: 1, objectiveMs: null, damaged: 2, scrubbedAt: 5, scrubShare: 0.5 },
    };
    node.answer = json(stats);
    expect(await nodes.stats(node.at)).toEqual(stats);
    expect(refusalOf(node.seen[0]!, 'inspect')).toBeUndefined();
  });

  test('heat is looked at', async () => {
    const heat = [{ chunk: chunk('a'), heat: 2.5 }];
    node.answer = lines(...heat);
    expect(await nodes.heat(node.at, 20)).toEqual(heat);
    expect(`${node.seen[0]!.url.pathname}${node.seen[0]!.url.search}`).toBe('/heat?limit=20');
    expect(refusalOf(node.seen[0]!, 'inspect')).toBeUndefined();
  });

  test('what is damaged is looked at, page by page, and a reason that is none is refused', async () => {
    const damaged = [{ chunk: chunk('a'), slot: 1, epoch: 3, reason: 'unreadable' }];
    node.answer = lines(...damaged);
    expect(await nodes.damaged(node.at)).toEqual({ damaged, next: chunk('a') });
    node.answer = lines();
    expect(await nodes.damaged(node.at, chunk('a'))).toEqual({ damaged: [] });
    const asked = node.seen.map(({ url }) => `${url.pathname}${url.search}`);
    expect(asked).toEqual(['/damaged?limit=250', `/damaged?limit=250&after=${chunk('a')}`]);
    expect(refusalOf(node.seen[0]!, 'inspect')).toBeUndefined();
    node.answer = lines({ ...damaged[0]!, reason: 'tired' });
    await expect(nodes.damaged(node.at)).rejects.toThrow(NodeRefused);
  });

  test('of heat no more is taken than was asked for, however much a node tells', async () => {
    const heat = ['a', 'b', 'c'].map((each) => ({ chunk: chunk(each), heat: 2.5 }));
    node.answer = lines(...heat);
    expect(await nodes.heat(node.at, 2)).toEqual(heat.slice(0, 2));
  });

  test('a connection is used again, and a stale one is replaced', async () => {
    node.answer = (response) => response.end('bytes');
    for (let i = 0; i < 5; i++) await nodes.read(node.at, chunk('a'));
    expect(node.connections).toBe(1);
    let broken = 0;
    node.answer = (response) =>
      broken++ === 0 ? response.socket!.resetAndDestroy() : response.end('x');
    expect(Buffer.from(await nodes.read(node.at, chunk('a'))).toString()).toBe('x');
    expect(node.connections).toBe(2);
  });
});

describe('held', () => {
  test('goes on until a page is empty, however short the pages are', async () => {
    const pages = [[held('a'), held('b')], [held('c')], []];
    node.answer = (response) => lines(...pages[node.seen.length - 1]!)(response, node.seen[0]!);
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await nodes.held(node.at, after);
      found.push(...page.held.map((each) => each.chunk));
      after = page.next;
    } while (after !== undefined);
    expect(found).toEqual([chunk('a'), chunk('b'), chunk('c')]);
    expect(node.seen.map(({ url }) => url.searchParams.get('after'))).toEqual([
      null,
      chunk('b'),
      chunk('c'),
    ]);
  });

  test('a page that breaks off is no page', async () => {
    node.answer = (response) => {
      response.write(`${JSON.stringify(held('a'))}\n`, () => response.destroy());
    };
    await expect(nodes.held(node.at)).rejects.toThrow(NodeUnreachable);
  });
});

describe('failures', () => {
  test.each<[behaviour: string, answer: Answer, reason: string]>([
    ['full', json({ error: 'full', message: 'no room' }, 507), 'full'],
    ['below the fence', json({ error: 'below-fence', message: 'fence 4' }, 409), 'below-fence'],
    ['no JSON', (response) => void response.writeHead(502).end('<html>'), 'status-502'],
    [
      'a redirect is not followed',
      (response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      'status-302',
    ],
  ])('the node refuses: %s', async (_behaviour, says, reason) => {
    node.answer = says;
    const refused = nodes.read(node.at, chunk('a'));
    await expect(refused).rejects.toThrow(NodeRefused);
    await expect(refused).rejects.toMatchObject({ reason });
    expect(node.seen).toHaveLength(1);
  });

  test.each(['', 'host', 'user@host:80', 'http://host:80', 'host:80/path', '[::1]:80'])(
    'no request goes to the address "%s"',
    async (address) => {
      const read = nodes.read({ node: nodeId('n1'), address }, chunk('a'));
      await expect(read).rejects.toThrow(NodeUnreachable);
    },
  );

  test('nobody listens', async () => {
    await node.stop();
    await expect(nodes.stats(node.at)).rejects.toThrow(NodeUnreachable);
  });
});
