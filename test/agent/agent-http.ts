import { Agent, type IncomingMessage, request } from 'node:http';
import { protocolVersion } from '../../lib/contract/agent.ts';

/** The agent answered no; `status` and `kind` as in contract/agent.ts. */
export class AgentRefusal extends Error {
  override readonly name = 'AgentRefusal';
  readonly status: number;
  readonly kind: string;
  constructor(status: number, kind: string, message: string) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** No answer in time, or one that broke off. What the agent did is unknown. */
export class AgentUnreachable extends Error {
  override readonly name = 'AgentUnreachable';
}

/** Milliseconds: to connect, without a byte either way, and from first to last. */
export interface Patience {
  readonly connectMsMax: number;
  readonly idleMsMax: number;
  readonly totalMsMax: number;
}

/** A pull may take as long as a Lambda lives; its agent shows a sign of life every five seconds. */
export const patienceDefault: Patience = {
  connectMsMax: 3_000,
  idleMsMax: 30_000,
  totalMsMax: 15 * 60_000,
};

export interface AgentRequest {
  /** `host:port`. */
  readonly address: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly patience: Patience;
}

const connections = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });
/** Refusals are a line; receipts, statistics and removals of 1,000 chunks stay far below. */
const answerBytesMax = 4 * 2 ** 20;

/**
 * One request; its answer's body is still to be read to the end, or destroyed. Redirects are refusals
 * like any other answer.
 *
 * @throws AgentRefusal, AgentUnreachable
 */
export async function send(wanted: AgentRequest): Promise<IncomingMessage> {
  const answer = await sendOverFresh(wanted);
  if (answer.statusCode! < 300) return answer;
  const { error, message } = reasonIn(await textOf(answer));
  throw new AgentRefusal(answer.statusCode!, error, `${wanted.address}: ${message}`);
}

class StaleConnection extends Error {}

/** The agent may close a kept connection just as it is used again: then the request goes over a new one. */
async function sendOverFresh(wanted: AgentRequest): Promise<IncomingMessage> {
  for (;;) {
    try {
      return await sendOnce(wanted);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

function sendOnce({ address, method, path, headers, body, patience }: AgentRequest) {
  const [host, port] = address.split(':');
  const length = body && { 'content-length': String(body.length) };
  const protocol = { 'x-ballast-protocol': String(protocolVersion) };
  return new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({
      host: host!,
      port: port!,
      method,
      path,
      headers: { ...protocol, ...length, ...headers },
      agent: connections,
    });
    const giveUp = (what: string, ms: number) => sent.destroy(new Error(`${what} for ${ms} ms`));
    const total = setTimeout(giveUp, patience.totalMsMax, 'not done', patience.totalMsMax);
    sent.once('close', () => clearTimeout(total));
    sent.setTimeout(patience.idleMsMax, () => giveUp('silent', patience.idleMsMax));
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      const connecting = setTimeout(
        giveUp,
        patience.connectMsMax,
        'no connection',
        patience.connectMsMax,
      );
      for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(connecting));
    });
    sent.on('response', resolve);
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
      reject(isStale ? new StaleConnection() : unreachable(address, error));
    });
    sent.end(body);
  });
}

const unreachable = (address: string, error: Error): AgentUnreachable =>
  new AgentUnreachable(`${address}: ${error.message}`, { cause: error });

/** The bytes of an answer as they come. @throws AgentUnreachable when it breaks off */
export async function* bytesOf(answer: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* answer;
  } catch (error) {
    const { remoteAddress, remotePort } = answer.socket;
    throw unreachable(`${remoteAddress}:${remotePort}`, error as Error);
  }
}

/** All of a short answer. @throws AgentUnreachable, AgentRefusal when it is not short */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of bytesOf(answer)) {
    length += part.length;
    if (length > answerBytesMax)
      throw new AgentRefusal(answer.statusCode!, 'malformed-answer', 'the answer has no end');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** The lines of an answer as they come, parsed. @throws AgentUnreachable, what `parse` throws */
export async function* linesOf<T>(
  answer: IncomingMessage,
  parse: (line: unknown) => T,
): AsyncGenerator<T> {
  let rest = '';
  for await (const part of bytesOf(answer)) {
    const lines = (rest + part.toString('latin1')).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield parse(JSON.parse(Buffer.from(line, 'latin1').toString()));
  }
}

function reasonIn(text: string): { readonly error: string; readonly message: string } {
  try {
    const { error, message } = JSON.parse(text) as Record<string, unknown>;
    return { error: String(error), message: String(message) };
  } catch {
    return { error: 'no-reason', message: 'the agent gave no reason' };
  }
}
