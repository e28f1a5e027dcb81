import { createHash } from 'node:crypto';
import {
  ChunkHeat,
  Health,
  Held,
  PullEvent,
  type PullRequest,
  Receipt,
  Removal,
  type RemovalRequest,
  Stats,
} from '../../lib/contract/agent.ts';
import type { Operation } from '../../lib/contract/capability.ts';
import { bytesOf, linesOf, type Patience, patienceDefault, send, textOf } from './agent-http.ts';

export { AgentRefusal, AgentUnreachable } from './agent-http.ts';

/** A node's agent. All functions throw AgentRefusal and AgentUnreachable. */
export interface AgentAt {
  /** `host:port`. */
  readonly address: string;
  /** A capability for this node. */
  readonly sign: (op: Operation, subject?: string) => string;
  readonly patience?: Patience;
}

export interface Arrival {
  readonly chunk: string;
  readonly slot: number;
  readonly epoch: number;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** The chunk and its fence are durable there when it answers. */
export async function put(to: AgentAt, arrival: Arrival): Promise<Receipt> {
  const { chunk, slot, epoch, sha256, bytes } = arrival;
  const query = new URLSearchParams({ slot: `${slot}`, epoch: `${epoch}`, sha256 });
  const answer = await send({
    ...base(to, 'PUT', `/chunks/${chunk}?${query}`, to.sign('put', chunk)),
    body: bytes,
  });
  return Receipt.parse(JSON.parse(await textOf(answer)));
}

/** A chunk's bytes as the node sends them; the reader compares their checksum. `range` as in HTTP. */
export async function* read(from: AgentAt, chunk: string, range?: string): AsyncGenerator<Buffer> {
  const plain = base(from, 'GET', `/chunks/${chunk}`, from.sign('read', chunk));
  const headers = { ...plain.headers, ...(range !== undefined && { range }) };
  yield* bytesOf(await send({ ...plain, headers }));
}

export async function remove(from: AgentAt, chunk: string, version: number): Promise<Removal> {
  const path = `/chunks/${chunk}?version=${version}`;
  const answer = await send(base(from, 'DELETE', path, from.sign('delete', chunk)));
  return Removal.parse(JSON.parse(await textOf(answer)));
}

export async function removals(from: AgentAt, request: RemovalRequest): Promise<Removal[]> {
  const answer = await send(post(from, '/removals', 'delete', request));
  return (JSON.parse(await textOf(answer)) as unknown[]).map((each) => Removal.parse(each));
}

/** Leaving the loop early abandons what had not been received. */
export async function* pull(to: AgentAt, request: PullRequest): AsyncGenerator<PullEvent> {
  yield* linesOf(await send(post(to, '/pulls', 'pull', request)), (line) => PullEvent.parse(line));
}

/** All that the node holds, in the order of the ids, page by page. */
export async function* inventory(node: AgentAt, page = 1_000): AsyncGenerator<Held> {
  let last: string | undefined = '';
  while (last !== undefined) {
    const query: string = last === '' ? `limit=${page}` : `limit=${page}&after=${last}`;
    const answer = await send(base(node, 'GET', `/inventory?${query}`, node.sign('inspect')));
    last = undefined;
    for await (const held of linesOf(answer, (line) => Held.parse(line))) {
      last = held.chunk;
      yield held;
    }
  }
}

/** Hottest first. */
export async function heat(node: AgentAt, limit = 1_000): Promise<ChunkHeat[]> {
  const answer = await send(base(node, 'GET', `/heat?limit=${limit}`, node.sign('inspect')));
  const heats: ChunkHeat[] = [];
  for await (const each of linesOf(answer, (line) => ChunkHeat.parse(line))) heats.push(each);
  return heats;
}

export async function stats(node: AgentAt): Promise<Stats> {
  const answer = await send(base(node, 'GET', '/stats', node.sign('inspect')));
  return Stats.parse(JSON.parse(await textOf(answer)));
}

export async function healthz(node: Pick<AgentAt, 'address' | 'patience'>): Promise<Health> {
  const { address, patience = patienceDefault } = node;
  const answer = await send({ address, method: 'GET', path: '/healthz', headers: {}, patience });
  return Health.parse(JSON.parse(await textOf(answer)));
}

const base = <M extends string>(
  { address, patience = patienceDefault }: AgentAt,
  method: M,
  path: string,
  capability: string,
) => ({ address, patience, method, path, headers: { authorization: `Bearer ${capability}` } });

/** A request that names many chunks: its capability is for this very body. */
function post(to: AgentAt, path: string, op: Operation, content: object) {
  const body = Buffer.from(JSON.stringify(content));
  const subject = createHash('sha256').update(body).digest('hex');
  return { ...base(to, 'POST', path, to.sign(op, subject)), body };
}
