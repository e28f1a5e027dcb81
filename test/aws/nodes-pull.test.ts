import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pullMsMax } from '../../lib/agent/limits.ts';
import { PullRequest } from '../../lib/contract/agent.ts';
import { refuseCapability } from '../../lib/contract/capability.ts';
import { NodeRefused, NodeUnreachable } from '../../lib/control/ports.ts';
import { nodeId } from '../../lib/core/ids.ts';
import {
  chunk,
  hash,
  lines,
  nodes,
  now,
  publicKey,
  receipt,
  refusalOf,
  type ScriptedNode,
  startNode,
} from './scripted-node.ts';

let node: ScriptedNode;
beforeEach(async () => {
  node = await startNode();
});
afterEach(() => node.stop());

async function allOf<T>(events: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('pull', () => {
  const from = { node: nodeId('n2'), address: '10.0.0.2:7070' };
  const other = { node: nodeId('n3'), address: '10.0.0.3:7070' };
  const wanted = (name: string, ...holders: string[]) => ({
    chunk: chunk(name),
    slot: 0,
    size: 5,
    sha256: hash('bytes'),
    epoch: 2,
    holders: holders.map(nodeId),
  });
  const events = [
    { event: 'progress', bytes: 3 },
    { event: 'received', receipt },
  ] as const;

  test('carries a read capability for every holder of each chunk, preferred first', async () => {
    node.answer = lines(...events);
    const chunks = [wanted('a', 'n2', 'n3'), wanted('b', 'n2')];
    const got = await allOf(nodes.pull(node.at, [other, from], chunks, 1000));
    expect(got).toEqual(events);
    expect(refusalOf(node.seen[0]!, 'pull', hash(node.seen[0]!.body))).toBeUndefined();
    const request = PullRequest.parse(JSON.parse(node.seen[0]!.body.toString()));
    expect(request.rate).toBe(1000);
    expect(request.sources).toEqual([from, other]);
    const verdicts = request.chunks.map(({ chunk: subject, reads }) =>
      reads.map((token, i) => {
        const { node: name } = request.sources[i]!;
        return (
          token && refuseCapability(publicKey, token, { op: 'read', node: name, subject, now })
        );
      }),
    );
    expect(verdicts).toEqual([
      [undefined, undefined],
      [undefined, null],
    ]);
  });

  test('carries a read capability for each shard that may rebuild a slot', async () => {
    node.answer = lines(...events);
    const shards = [
      { slot: 1, node: other.node, sha256: hash('one') },
      { slot: 3, node: from.node, sha256: hash('three') },
    ];
    const rebuild = { data: 2, parity: 2, when: 'first', shards } as const;
    await allOf(nodes.pull(node.at, [from, other], [{ ...wanted('a'), rebuild }], 1000));
    const request = PullRequest.parse(JSON.parse(node.seen[0]!.body.toString()));
    const [asked] = request.chunks;
    expect(asked).toMatchObject({ reads: [null, null], rebuild: { data: 2, parity: 2 } });
    const found = asked!.rebuild!.shards.map(({ slot, source, sha256, read }) => {
      const { node: name } = request.sources[source]!;
      const claims = { op: 'read', node: name, subject: asked!.chunk, now } as const;
      return [slot, name, sha256, refuseCapability(publicKey, read, claims)];
    });
    expect(found).toEqual([
      [1, 'n3', hash('one'), undefined],
      [3, 'n2', hash('three'), undefined],
    ]);
  });

  test('what it reads last may be read as long as an agent pulls', async () => {
    node.answer = lines(...events);
    const shards = [{ slot: 1, node: other.node, sha256: hash('one') }];
    const rebuild = { data: 1, parity: 2, when: 'copy-failed', shards } as const;
    await allOf(nodes.pull(node.at, [from, other], [{ ...wanted('a', 'n2'), rebuild }], 1));
    const { chunks } = PullRequest.parse(JSON.parse(node.seen[0]!.body.toString()));
    const [{ chunk: subject, reads, rebuild: asked }] = chunks as [(typeof chunks)[number]];
    const reading = (name: string) =>
      ({ op: 'read', node: name, subject, now: now + pullMsMax }) as const;
    expect(refuseCapability(publicKey, reads[0]!, reading('n2'))).toBeUndefined();
    const { read } = asked!.shards[0]!;
    expect(refuseCapability(publicKey, read, reading('n3'))).toBeUndefined();
    expect(refusalOf(node.seen[0]!, 'pull', hash(node.seen[0]!.body))).toBeUndefined();
  });

  test('events come as they are sent, cut anywhere', async () => {
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    let more: () => void = () => {};
    node.answer = (response) => {
      response.write(text.slice(0, 45));
      more = () => response.end(text.slice(45));
    };
    const pulled = nodes.pull(node.at, [from], [wanted('a', 'n2')], 0);
    expect((await pulled.next()).value).toEqual(events[0]);
    more();
    expect((await pulled.next()).value).toEqual(events[1]);
    expect((await pulled.next()).done).toBe(true);
  });

  test('leaving early ends the connection', async () => {
    const closed = Promise.withResolvers<void>();
    node.answer = (response) => {
      response.on('close', closed.resolve);
      response.write(`${JSON.stringify(events[0])}\n`);
    };
    for await (const event of nodes.pull(node.at, [from], [wanted('a', 'n2')], 0)) {
      expect(event).toEqual(events[0]);
      break;
    }
    await closed.promise;
  });

  test('that breaks off, or talks nonsense, throws', async () => {
    const pull = () => allOf(nodes.pull(node.at, [from], [wanted('a', 'n2')], 0));
    node.answer = (response) => void response.write('{"event":"pro', () => response.destroy());
    await expect(pull()).rejects.toThrow(NodeUnreachable);
    node.answer = lines({ event: 'odd' });
    await expect(pull()).rejects.toThrow(NodeRefused);
    node.answer = (response) => void response.end('x'.repeat(100_000));
    await expect(pull()).rejects.toThrow('a line without end');
  });
});
