import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { AgentNodes } from '../../lib/aws/nodes.ts';
import type { ChunkRecord } from '../../lib/contract/records.ts';
import type { NodeView } from '../../lib/control/fleet.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { readChunk } from '../../lib/control/read.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { type Arrival, put, read, stats } from './agent-calls.ts';
import { all, capability, fleetKey, randomArrival } from './arrivals.ts';
import { rawRequest } from './raw-request.ts';
import { type Started, startedAgent } from './started-agent.ts';

const nodes = new AgentNodes(async () => fleetKey);
const at = ({ node, address }: Started) => ({ node: nodeId(node), address });

/** A client that asks for a chunk and reads nothing of it, for ever. */
async function endlessReader(agent: Started, { chunk }: Arrival) {
  const socket = connect(agent.port, '127.0.0.1');
  const head = [
    `GET /chunks/${chunk} HTTP/1.1`,
    'host: a',
    'x-ballast-protocol: 1',
    `authorization: Bearer ${capability(agent.node, 'read', chunk)}`,
  ];
  socket.on('error', () => {});
  socket.pause();
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await expect.poll(async () => (await stats(agent)).connections).toBe(1);
  return socket;
}

test('an endless reader is cut off, and is not counted any more; others read on', async () => {
  const [leaving, staying] = [
    await startedAgent({ node: 'n1' }),
    await startedAgent({ node: 'n2' }),
  ];
  const chunk = randomArrival(32 * 2 ** 20);
  for (const agent of [leaving, staying]) await put(agent, chunk);
  const socket = await endlessReader(leaving, chunk);
  expect(await nodes.close(at(leaving))).toBe(1);
  let bytes = 0;
  socket.on('data', (piece) => {
    bytes += piece.length;
  });
  socket.resume();
  await once(socket, 'close');
  expect(bytes).toBeLessThan(chunk.bytes.length);
  expect((await stats(leaving)).connections).toBe(0);
  expect(await nodes.close(at(leaving))).toBe(0);
  const whole = await all(read(staying, chunk.chunk));
  expect(Buffer.concat(whole).equals(chunk.bytes)).toBe(true);
  expect(leaving.logged).toContain('connections-closed');
});

test('a client that is cut off in the middle reads from another holder', async () => {
  const agents = [await startedAgent({ node: 'n1' }), await startedAgent({ node: 'n2' })];
  const chunk = randomArrival(4 * 2 ** 20, { chunk: '0'.repeat(64) });
  for (const agent of agents) await put(agent, chunk);
  const { traffic } = agents[0]!.parts;
  const { carried } = traffic;
  let cuts = 0;
  traffic.carried = (flow, bytes) => {
    carried.call(traffic, flow, bytes);
    cuts += traffic.cutAll();
  };
  const fleet = agents.map((agent) => ({ id: agent.node, state: 'active', ...agent }));
  const redundancy = { kind: 'replicated', copies: 2 };
  const record = {
    ...{ state: 'live', sha256: chunk.sha256, holders: ['n1', 'n2'], shards: [] },
    ...{ redundancy, size: chunk.bytes.length },
  };
  const bytes = await readChunk(
    { nodes } as unknown as Ports,
    fleet as unknown as NodeView[],
    chunkId(chunk.chunk),
    record as unknown as ChunkRecord,
  );
  expect(Buffer.from(bytes).equals(chunk.bytes)).toBe(true);
  expect(cuts).toBe(1);
});

test('a copy that arrives from a client is broken off without a trace', async () => {
  const agent = await startedAgent();
  const socket = connect(agent.port, '127.0.0.1');
  const { chunk, sha256 } = randomArrival(1_000);
  const head = [
    `PUT /chunks/${chunk}?slot=0&epoch=1&sha256=${sha256} HTTP/1.1`,
    'host: a',
    'x-ballast-protocol: 1',
    'content-length: 1000',
    `authorization: Bearer ${capability('n1', 'put', chunk)}`,
  ];
  socket.on('error', () => {});
  socket.write(`${head.join('\r\n')}\r\n\r\nhalf`);
  await expect.poll(() => agent.parts.traffic.connections).toBe(1);
  expect(await nodes.close(at(agent))).toBe(1);
  await once(socket, 'close');
  expect(await stats(agent)).toMatchObject({ chunks: 0, usedBytes: 0, connections: 0 });
});

test.each<[who: string, op: Parameters<typeof capability>[1], node: string, status: number]>([
  ['whoever may only look', 'inspect', 'n1', 403],
  ['whoever may close another node', 'close', 'n2', 403],
  ['whoever may', 'close', 'n1', 200],
])('%s is answered so', async (_who, op, node, status) => {
  const agent = await startedAgent();
  const headers = {
    authorization: `Bearer ${capability(node, op)}`,
    'x-ballast-protocol': '1',
    'content-length': '0',
  };
  const request = { method: 'POST', path: '/connections/close', headers };
  expect((await rawRequest(agent.port, request)).status).toBe(status);
});
