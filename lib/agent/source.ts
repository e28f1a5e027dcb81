import { protocolVersion } from '../contract/agent.ts';
import { Connection, type Head, StaleConnection } from './connection.ts';
import { connectionsKeptMax } from './limits.ts';
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

/** Connections that wait for the next request, by address. */
const kept = new Map<string, Connection[]>();

/**
 * The bytes of a chunk from another node: each piece is good until the next is asked for. Redirects are
 * failures like any other answer.
 *
 * @throws SourceFailed, or the signal's reason
 */
export async function* piecesOf(wanted: SourceRequest): AsyncGenerator<Uint8Array> {
  const { node, address, signal } = wanted;
  try {
    const connection = await ask(wanted);
    yield* connection.body(signal);
    keep(address, connection);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof SourceFailed ? error : unreachable(node, error as Error);
  }
}

/** @returns a connection over which the chunk comes */
async function ask(wanted: SourceRequest): Promise<Connection> {
  const { node, chunk, size } = wanted;
  const { connection, head } = await get(wanted);
  if (head.status === 200 && head.length === size) return connection;
  connection.destroy();
  if (head.status === 200)
    throw new SourceFailed(
      'checksum',
      `${node} sends ${head.length} bytes of ${chunk}, not ${size}`,
    );
  const reason = head.status === 404 ? 'source-lacks-it' : 'source-unreachable';
  throw new SourceFailed(reason, `${node} answered ${head.status} for ${chunk}`);
}

/** The source may close a kept connection just as it is used again: then the request goes over another. */
async function get(wanted: SourceRequest): Promise<{ connection: Connection; head: Head }> {
  const { address, capability, chunk, signal } = wanted;
  const headers = {
    authorization: `Bearer ${capability}`,
    'x-ballast-protocol': String(protocolVersion),
    'x-ballast-transfer': 'background',
  };
  for (;;) {
    const connection = takeKept(address) ?? (await connectTo(wanted));
    try {
      return { connection, head: await connection.get(`/chunks/${chunk}`, headers, signal) };
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

function connectTo({ node, address, signal }: SourceRequest): Promise<Connection> {
  const place = parseSource(address);
  if (place === undefined)
    throw new SourceFailed('source-unreachable', `${node} has no usable address: ${address}`);
  return Connection.open(place, signal);
}

function takeKept(address: string): Connection | undefined {
  const usable = kept.get(address)?.filter(({ isUsable }) => isUsable) ?? [];
  const taken = usable.pop();
  if (usable.length > 0) kept.set(address, usable);
  else kept.delete(address);
  return taken;
}

/** Connections that were lost meanwhile are let go, those to nodes that nobody asks any more among them. */
function keep(address: string, connection: Connection): void {
  for (const [each, connections] of kept) {
    const usable = connections.filter(({ isUsable }) => isUsable);
    if (usable.length > 0) kept.set(each, usable);
    else kept.delete(each);
  }
  const others = kept.get(address) ?? [];
  if (connection.isUsable && others.length < connectionsKeptMax)
    kept.set(address, [...others, connection]);
  else connection.destroy();
}

const unreachable = (node: string, error: Error): SourceFailed =>
  new SourceFailed('source-unreachable', `${node}: ${error.message}`, { cause: error });
