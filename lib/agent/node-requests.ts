import {
  type ChunkHeat,
  type Closed,
  chunkIdPattern,
  type DamagedCopy,
  type Health,
  type Held,
  protocolVersion,
  type Removal,
  RemovalRequest,
  type Renewal,
  RenewalRequest,
} from '../contract/agent.ts';
import { heatChunksMax } from '../core/heat.ts';
import { authorisedBody, type Exchange, numberOf, sendJson } from './exchange.ts';
import {
  chunksPerRequestMax,
  inventoryPageDefault,
  inventoryPageMax,
  renewalPacedMs,
} from './limits.ts';
import { pulls } from './pull-requests.ts';
import { Refusal, type RefusalKind } from './refusal.ts';
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

type Wish = RenewalRequest['renewals'][number];

const renewals: NodeRequest = async (node, exchange) => {
  const parsed = RenewalRequest.safeParse(await authorisedBody(exchange, node.authority, 'renew'));
  if (!parsed.success) throw new Refusal('malformed', 'the body is no list of renewals');
  const wishes = parsed.data.renewals;
  if (wishes.length > chunksPerRequestMax)
    throw new Refusal('malformed', `at most ${chunksPerRequestMax} chunks a request`);
  if (!wishes.every(({ slot, epoch }) => [slot, epoch].every(Number.isInteger)))
    throw new Refusal('malformed', 'slot and epoch are whole numbers');
  const renewal = (wish: Wish): Promise<Renewal> => renew(node, wish, exchange.gone);
  sendJson(exchange, 200, await allSettled(wishes.map(renewal)));
};

/**
 * The disk is read as for a migration: in turn, and within the node's rate out, but for a while only. No byte leaves
 * the node, and at a rate that clients leave next to nothing of the answer would come after nobody waits for it.
 */
async function renew(node: StorageNode, wish: Wish, gone: AbortSignal): Promise<Renewal> {
  const { out, disk } = node.background;
  try {
    const { size } = node.store.copy(wish.chunk);
    const late = AbortSignal.timeout(renewalPacedMs);
    await out.take(size, AbortSignal.any([gone, late])).catch((reason) => {
      if (gone.aborted || !late.aborted) throw reason;
    });
    const receipt = await disk.run(size, () => {
      gone.throwIfAborted();
      return node.store.renew(wish);
    });
    return { outcome: 'renewed', receipt };
  } catch (error) {
    const reason = error instanceof Refusal ? renewalReasons[error.kind] : undefined;
    if (reason === undefined) throw error;
    return { outcome: 'refused', chunk: wish.chunk, reason };
  }
}

type RenewalReason = Extract<Renewal, { outcome: 'refused' }>['reason'];
const renewalReasons: Partial<Record<RefusalKind, RenewalReason>> = {
  'not-held': 'not-held',
  'below-fence': 'below-fence',
  checksum: 'checksum',
  disk: 'disk',
};

/** Nothing runs on after the answer. */
async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

const inventory: NodeRequest = async (node, exchange) => {
  node.authority.allow(exchange.request, 'inspect', undefined);
  const { after, limit } = pageOf(exchange);
  const now = node.now();
  const copies = node.store.held(after, limit);
  const ageOf = (since: number): number => Math.max(0, Math.round(now - since));
  sendLines(
    exchange,
    copies.map(({ since, ...copy }): Held => ({ ...copy, ageMs: ageOf(since) })),
  );
};

const damaged: NodeRequest = async (node, exchange) => {
  node.authority.allow(exchange.request, 'inspect', undefined);
  const { after, limit } = pageOf(exchange);
  sendLines(exchange, node.scrubber.damaged(after, limit) satisfies DamagedCopy[]);
};

/** @throws Refusal 'malformed' */
function pageOf(exchange: Exchange): { readonly after: string; readonly limit: number } {
  const after = exchange.query.get('after') ?? '';
  if (after !== '' && !chunkIdPattern.test(after))
    throw new Refusal('malformed', 'after must be a chunk id');
  const limit = exchange.query.has('limit') ? numberOf(exchange, 'limit') : inventoryPageDefault;
  return { after, limit: Math.min(limit, inventoryPageMax) };
}

function sendLines({ response }: Exchange, values: readonly object[]): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

const heat: NodeRequest = async (node, exchange) => {
  const { request, query } = exchange;
  node.authority.allow(request, 'inspect', undefined);
  const limit = query.has('limit') ? numberOf(exchange, 'limit') : heatChunksMax;
  const isHeld = (chunk: string): boolean => node.store.holds(chunk);
  const hottest = node.heat.hottest(Math.min(limit, heatChunksMax), node.now(), isHeld);
  sendLines(exchange, hottest satisfies ChunkHeat[]);
};

const stats: NodeRequest = async (node, exchange) => {
  node.authority.allow(exchange.request, 'inspect', undefined);
  sendJson(exchange, 200, statsOf(node));
};

const close: NodeRequest = async (node, exchange) => {
  node.authority.allow(exchange.request, 'close', undefined);
  const closed: Closed = { closed: node.traffic.cutAll() };
  node.log('connections-closed', closed);
  sendJson(exchange, 200, closed);
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
  'POST /renewals': renewals,
  'POST /connections/close': close,
  'POST /pulls': pulls,
  'GET /inventory': inventory,
  'GET /damaged': damaged,
  'GET /heat': heat,
  'GET /stats': stats,
  [healthRoute]: healthz,
};
