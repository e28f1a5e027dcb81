import { Agent, type IncomingMessage, request } from 'node:http';
import { protocolVersion } from '../contract/agent.ts';
import { connectMsMax, idleMsMax } from './limits.ts';
import { parseSource } from './source-address.ts';

/** Why a source did not give a chunk. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
  readonly reason: 'source-lacks-it' | 'source-unreachable' | 'checksum';
  /** Its place among the sources of a rebuilding. */
  readonly at: number | undefined;
  constructor(
    reason: SourceFailed['reason'],
    message: string,
    options: ErrorOptions & { readonly at?: number } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.at = options.at;
  }
}

export interface SourceRequest {
  readonly node: string;
  readonly address: string;
  readonly capability: string;
  readonly chunk: string;
  readonly size: number;
  readonly signal: AbortSignal;
}

const connections = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 8 });

/**
 * Asks another node for a chunk: the answer's body is `size` bytes, to be read to the end or destroyed.
 * Redirects are failures like any other answer.
 *
 * @throws SourceFailed, or the signal's reason
 */
export async function openSource(wanted: SourceRequest): Promise<IncomingMessage> {
  const answer = await getOverFresh(wanted);
  const length = Number(answer.headers['content-length']);
  if (answer.statusCode === 200 && length === wanted.size) return answer;
  answer.destroy();
  const { node, chunk, size } = wanted;
  if (answer.statusCode === 200)
    throw new SourceFailed('checksum', `${node} sends ${length} bytes of ${chunk}, not ${size}`);
  const reason = answer.statusCode === 404 ? 'source-lacks-it' : 'source-unreachable';
  throw new SourceFailed(reason, `${node} answered ${answer.statusCode} for ${chunk}`);
}

class StaleConnection extends Error {}

/** The source may close a kept connection just as it is used again: then the request goes over a new one. */
async function getOverFresh(wanted: SourceRequest): Promise<IncomingMessage> {
  for (;;) {
    try {
      return await get(wanted);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

function get({
  node,
  address,
  capability,
  chunk,
  signal,
}: SourceRequest): Promise<IncomingMessage> {
  const place = parseSource(address);
  if (place === undefined)
    throw new SourceFailed('source-unreachable', `${node} has no usable address: ${address}`);
  return new Promise((resolve, reject) => {
    const sent = request({
      ...place,
      path: `/chunks/${chunk}`,
      headers: {
        authorization: `Bearer ${capability}`,
        'x-ballast-protocol': String(protocolVersion),
        'x-ballast-transfer': 'background',
      },
      agent: connections,
      signal,
    });
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      const late = new Error(`no connection within ${connectMsMax} ms`);
      const connecting = setTimeout(() => sent.destroy(late), connectMsMax);
      socket.once('connect', () => clearTimeout(connecting));
      socket.once('close', () => clearTimeout(connecting));
    });
    sent.setTimeout(idleMsMax, () => sent.destroy(new Error(`silent for ${idleMsMax} ms`)));
    sent.on('response', resolve);
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) return reject(signal.reason);
      if (sent.reusedSocket && error.code === 'ECONNRESET') return reject(new StaleConnection());
      reject(unreachable(node, error));
    });
    sent.end();
  });
}

export const unreachable = (node: string, error: Error): SourceFailed =>
  new SourceFailed('source-unreachable', `${node}: ${error.message}`, { cause: error });
