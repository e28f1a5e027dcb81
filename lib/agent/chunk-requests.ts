import { chunkIdPattern } from '../contract/agent.ts';
import { type Exchange, lengthOf, numberOf, sendJson } from './exchange.ts';
import { receiveBody } from './incoming.ts';
import { chunkBytesMax } from './limits.ts';
import { rangeOf } from './range.ts';
import { Refusal } from './refusal.ts';
import { sendFile } from './send-file.ts';
import type { StorageNode } from './storage-node.ts';

/** PUT, GET, HEAD and DELETE of /chunks/{id}. */
export type ChunkRequest = (node: StorageNode, chunk: string, exchange: Exchange) => Promise<void>;

const backgroundHeader = 'x-ballast-transfer';
export const isBackground = ({ request }: Exchange): boolean =>
  request.headers[backgroundHeader] === 'background';

const put: ChunkRequest = async (node, chunk, exchange) => {
  node.authority.allow(exchange.request, 'put', chunk);
  const size = lengthOf(exchange, chunkBytesMax);
  const sha256 = exchange.query.get('sha256') ?? '';
  if (!chunkIdPattern.test(sha256)) throw new Refusal('malformed', 'sha256 must be 64 hex digits');
  const slot = numberOf(exchange, 'slot');
  const epoch = numberOf(exchange, 'epoch');
  const incoming = node.store.receive({ chunk, slot, size, sha256, epoch });
  try {
    const receipt = await receiveBody(incoming, counted(node, exchange), sha256);
    sendJson(exchange, 201, receipt);
  } finally {
    await incoming.end();
  }
};

/** A refusal in the middle leaves the connection whole: it is still to be told. */
async function* counted(node: StorageNode, { request }: Exchange): AsyncGenerator<Buffer> {
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    node.traffic.carried('foregroundIn', piece.length);
    yield piece;
  }
}

const get: ChunkRequest = async (node, chunk, exchange) => {
  const { request, response, gone } = exchange;
  node.authority.allow(request, 'read', chunk);
  const { size } = node.store.copy(chunk);
  const range = rangeOf(request.headers.range, size);
  if (!isBackground(exchange)) node.heat.read(chunk, node.now());
  const flow = isBackground(exchange) ? 'backgroundOut' : 'foregroundOut';
  const file = await node.store.openCopy(chunk);
  try {
    if ((await file.stat()).size !== size)
      throw new Refusal('not-held', `the file of ${chunk} is not whole: it is damaged`);
    response.writeHead(range.status, {
      'content-type': 'application/octet-stream',
      'content-length': range.to - range.from,
      ...range.headers,
    });
    await sendFile(file, range, response, {
      gone,
      pass: async (bytes) => {
        if (flow === 'backgroundOut') await node.background.out.take(bytes, gone);
        node.traffic.carried(flow, bytes);
      },
    });
  } finally {
    await file.close();
  }
};

const head: ChunkRequest = async (node, chunk, { request, response }) => {
  node.authority.allow(request, 'read', chunk);
  const { size } = node.store.copy(chunk);
  response.writeHead(200, { 'content-length': size, 'accept-ranges': 'bytes' });
  response.end();
};

const remove: ChunkRequest = async (node, chunk, exchange) => {
  node.authority.allow(exchange.request, 'delete', chunk);
  const outcome = await node.store.remove(chunk, numberOf(exchange, 'version'));
  if (outcome === 'below-fence')
    throw new Refusal('below-fence', `the version read is below the fence of ${chunk}`);
  sendJson(exchange, 200, { chunk, outcome });
};

export const chunkRequests: Readonly<Record<string, ChunkRequest>> = {
  PUT: put,
  GET: get,
  HEAD: head,
  DELETE: remove,
};
