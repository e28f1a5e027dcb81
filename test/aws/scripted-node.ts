import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentNodes } from '../../lib/aws/nodes.ts';
import {
  type Operation,
  publicKeyOf,
  refuseCapability,
  signingKey,
  verifyingKey,
} from '../../lib/contract/capability.ts';
import type { NodeAddress } from '../../lib/control/ports.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';

const key = signingKey('a secret of at least 32 characters');
export const publicKey = verifyingKey(publicKeyOf(key));
export const now = 1_800_000_000_000;
export const nodes = new AgentNodes(
  async () => key,
  () => now,
);

export const hash = (of: string | Buffer) => createHash('sha256').update(of).digest('hex');
export const chunk = (name: string) => chunkId(hash(name));

export interface Seen {
  readonly method: string | undefined;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
export type Answer = (response: ServerResponse, seen: Seen) => void;

/** A node `n1` that notes what it is asked and answers as it is told. */
export interface ScriptedNode {
  readonly at: NodeAddress;
  readonly seen: readonly Seen[];
  answer: Answer;
  connections: number;
  stop(): Promise<unknown>;
}

export async function startNode(): Promise<ScriptedNode> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method, headers } = request;
    const url = new URL(request.url!, 'http://node');
    seen.push({ method, url, headers, body: Buffer.concat(parts) });
    node.answer(response, seen.at(-1)!);
  }).on('connection', () => node.connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const node: ScriptedNode = {
    at: { node: nodeId('n1'), address: `127.0.0.1:${port}` },
    seen,
    answer: (response) => response.end(),
    connections: 0,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  return node;
}

export const json =
  (value: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
export const lines =
  (...values: readonly unknown[]): Answer =>
  (response) =>
    void response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

/** What the node's own check says to the request's capability. */
export const refusalOf = ({ headers }: Seen, op: Operation, subject?: string, at = now) =>
  refuseCapability(publicKey, headers.authorization!.replace('Bearer ', ''), {
    op,
    node: 'n1',
    subject,
    now: at,
  });

export const receipt = {
  chunk: chunk('a'),
  slot: 1,
  size: 5,
  sha256: hash('bytes'),
  epoch: 3,
  incarnation: 'disk',
};
