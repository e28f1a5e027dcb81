import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import * as z from 'zod/mini';
import { protocolVersion } from '../contract/agent.ts';
import { type NodeAddress, NodeRefused, NodeUnreachable } from '../control/ports.ts';

export interface AgentRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Path and query, encoded. */
  readonly path: string;
  readonly capability: string;
  readonly body?: Uint8Array;
  /** A node that sends nothing for so long is given up. */
  readonly idleMsMax: number;
}

/** An answer with status 200 or 201, its body still to be read: to the end, or destroyed. */
export type AgentAnswer = IncomingMessage;

const statusesOk: readonly (number | undefined)[] = [200, 201];
/** Sockets to one node: eight transfers and as many short requests. */
const connections = new Agent({ keepAlive: true, maxSockets: 16, maxFreeSockets: 4 });
/**
 * An error's body, a page of inventory, the answers to removals: 1,000 lines of some 300 bytes are
 * 0.3 MB.
 */
export const answerBytesMax = 4 * 2 ** 20;
const lineCharactersMax = 64 * 1024;
/** Within one region a connection takes a few milliseconds. */
const connectMsMax = 2_000;

/**
 * Sends one request to a node's agent, at the very address of the node's record; redirects are
 * errors.
 *
 * @throws NodeRefused with the agent's own reason, NodeUnreachable
 */
export async function callAgent(to: NodeAddress, what: AgentRequest): Promise<AgentAnswer> {
  const answer = await sendOverFresh(to, what);
  if (statusesOk.includes(answer.statusCode)) return answer;
  throw await refusalOf(to, answer);
}

class StaleConnection extends Error {}

/**
 * The agent may close a kept connection just as it is used again: then the request goes over a new
 * one.
 */
async function sendOverFresh(to: NodeAddress, what: AgentRequest): Promise<AgentAnswer> {
  for (;;) {
    try {
      return await send(to, what);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

function send(to: NodeAddress, what: AgentRequest): Promise<AgentAnswer> {
  const { method, path, capability, body, idleMsMax } = what;
  const headers = {
    authorization: `Bearer ${capability}`,
    'x-ballast-protocol': String(protocolVersion),
    ...(body !== undefined && { 'content-length': body.length }),
  };
  const place = hostAndPort(to);
  return new Promise((resolve, reject) => {
    const sent = request({ ...place, method, path, headers, agent: connections }, resolve);
    limitConnecting(sent);
    sent.setTimeout(idleMsMax, () => sent.destroy(new Error(`silent for ${idleMsMax} ms`)));
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
      reject(isStale ? new StaleConnection() : unreachable(to, error));
    });
    sent.end(body);
  });
}

function limitConnecting(sent: ClientRequest): void {
  const giveUp = () => sent.destroy(new Error(`no connection within ${connectMsMax} ms`));
  const timer = setTimeout(giveUp, connectMsMax);
  sent.once('close', () => clearTimeout(timer));
  sent.once('socket', (socket) => {
    if (!socket.connecting) clearTimeout(timer);
    else socket.once('connect', () => clearTimeout(timer));
  });
}

const addressPattern = /^(?<host>[A-Za-z0-9.-]+):(?<port>\d{1,5})$/;

function hostAndPort(to: NodeAddress): { readonly host: string; readonly port: number } {
  const { host, port } = addressPattern.exec(to.address)?.groups ?? {};
  if (host === undefined) throw new NodeUnreachable(`${to.node} has no address: "${to.address}"`);
  return { host, port: Number(port) };
}

const unreachable = (to: NodeAddress, error: Error): NodeUnreachable =>
  new NodeUnreachable(`${to.node} at ${to.address}: ${error.message}`, { cause: error });

const ErrorBody = z.object({ error: z.string(), message: z.string() });

async function refusalOf(to: NodeAddress, answer: AgentAnswer): Promise<NodeRefused> {
  const body = await bodyOf(to, answer, answerBytesMax);
  const said = ErrorBody.safeParse(jsonOrNothing(body));
  const { error, message } = said.data ?? {
    error: `status-${answer.statusCode}`,
    message: 'no reason given',
  };
  return new NodeRefused(error, `${to.node}: ${message} (${answer.statusCode})`);
}

function jsonOrNothing(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/**
 * All of an answer. @throws NodeUnreachable when it breaks off, NodeRefused when it is larger than
 * allowed
 */
export async function bodyOf(
  to: NodeAddress,
  answer: AgentAnswer,
  bytesMax: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of unbroken(to, answer)) {
    length += part.length;
    if (length > bytesMax) throw malformed(to, `more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/**
 * The lines of an answer as they come, parsed. @throws as {@link bodyOf}, and NodeRefused on a line
 * that is none
 */
export async function* linesOf<T>(
  to: NodeAddress,
  answer: AgentAnswer,
  parse: (line: unknown) => T,
): AsyncGenerator<T> {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const part of unbroken(to, answer)) {
    const lines = (rest + part).split('\n');
    rest = lines.pop()!;
    if (rest.length > lineCharactersMax) throw malformed(to, 'a line without end');
    for (const line of lines) yield parsed(to, line, parse);
  }
  if (rest !== '') yield parsed(to, rest, parse);
}

/** Leaving the loop early destroys the answer, and with it its connection. */
async function* unbroken(to: NodeAddress, answer: AgentAnswer): AsyncGenerator<Buffer> {
  try {
    yield* answer;
  } catch (error) {
    throw unreachable(to, error as Error);
  }
}

/** @throws NodeRefused when the agent says what it should not */
export function parsed<T>(to: NodeAddress, text: string, parse: (value: unknown) => T): T {
  try {
    return parse(JSON.parse(text));
  } catch (error) {
    throw malformed(to, `${(error as Error).message}: ${text.slice(0, 100)}`);
  }
}

const malformed = (to: NodeAddress, problem: string): NodeRefused =>
  new NodeRefused('malformed-answer', `${to.node} answered badly: ${problem}`);
