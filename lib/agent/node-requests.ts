import {
  type ChunkHeat,
  chunkIdPattern,
  type Health,
  type Held,
  protocolVersion,
  type Removal,
  RemovalRequest,
} from '../contract/agent.ts';
import { heatChunksMax } from '../core/heat.ts';
import { authorisedBody, type Exchange, numberOf, sendJson } from './exchange.ts';
import { chunksPerRequestMax, inventoryPageDefault, inventoryPageMax } from './limits.ts';
import { pulls } from './pull-requests.ts';
import { Refusal } from './refusal.ts';
import { type StorageNode, statsOf } from './storage-node.ts';

/** Requests that are not about one chunk. */
export type NodeRequest = (node: StorageNode, exchange: Exchange) => Promise<void>;

const removals: NodeRequest = async (node, exchange) => {
  const parsed = RemovalRequest.safeParse(await authorisedBody(exchange, node.authority, 'delete'));
  if (!parsed.success) throw new Refusal('malformed', 'the body is no list of removals');
  const wanted = parsed.data.removals;
  if (wanted.length > chunksPerRequestMax)
    throw new Refusal('malformed', `at most ${chunksPerRequestMax} chunks a request`);
  const removal = async ({ chunk, version }: (typeof wanted)[number]): Promise<Removal> => ({
    chunk,
    outcome: await node.store.remove(chunk, version),
  });
  sendJson(exchange, 200, await allSettled(wanted.map(removal)));
};

/** Nothing runs on after the answer. */
async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

const inventory: NodeRequest = async (node, exchange) => {
  const { request, response, query } = exchange;
  node.authority.allow(request, 'inspect', undefined);
  const after = query.get('after') ?? '';
  if (after !== '' && !chunkIdPattern.test(after))
    throw new Refusal('malformed', 'after must be a chunk id');
  const limit = query.has('limit') ? numberOf(exchange, 'limit') : inventoryPageDefault;
  const now = node.now();
  const lines = node.store
    .held(after, Math.min(limit, inventoryPageMax))
    .map(({ since, ...copy }): Held => ({ ...copy, ageMs: Math.max(0, Math.round(now - since)) }))
    .map((held) => `${JSON.stringify(held)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.end(lines.join(''));
};

const heat: NodeRequest = async (node, exchange) => {
  const { request, response, query } = exchange;
  node.authority.allow(request, 'inspect', undefined);
  const limit = query.has('limit') ? numberOf(exchange, 'limit') : heatChunksMax;
  const lines = node.heat
    .hottest(Math.min(limit, heatChunksMax), node.now(), (chunk) => node.store.holds(chunk))
    .map((each: ChunkHeat) => `${JSON.stringify(each)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.end(lines.join(''));
};

const stats: NodeRequest = async (node, exchange) => {
  node.authority.allow(exchange.request, 'inspect', undefined);
  sendJson(exchange, 200, statsOf(node));
};

const healthz: NodeRequest = async ({ node, instance, store }, exchange) => {
  const health: Health = {
    ok: !store.health.suspect,
    node,
    instance,
    incarnation: store.incarnation,
    protocol: protocolVersion,
    capacityBytes: store.capacityBytes,
  };
  sendJson(exchange, 200, health);
};

export const healthRoute = 'GET /healthz';
export const nodeRequests: Readonly<Record<string, NodeRequest>> = {
  'POST /removals': removals,
  'POST /pulls': pulls,
  'GET /inventory': inventory,
  'GET /heat': heat,
  'GET /stats': stats,
  [healthRoute]: healthz,
};
