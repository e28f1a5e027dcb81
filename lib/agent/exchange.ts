import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Operation } from '../contract/capability.ts';
import type { Authority } from './authority.ts';
import { requestBytesMax } from './limits.ts';
import { Refusal } from './refusal.ts';

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Aborts when the caller is gone, or was answered. */
  readonly gone: AbortSignal;
}

export function sendJson({ response }: Exchange, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** A whole number of the query. @throws Refusal 'malformed' */
export function numberOf({ query }: Exchange, name: string): number {
  const [text, ...more] = query.getAll(name);
  if (text === undefined || more.length > 0 || !/^\d{1,15}$/.test(text))
    throw new Refusal('malformed', `${name} must be given once, as a whole number`);
  return Number(text);
}

/** The announced length of the body. @throws Refusal 'no-length', 'too-large' */
export function lengthOf({ request }: Exchange, bytesMax: number): number {
  const text = request.headers['content-length'];
  if (text === undefined || request.headers['transfer-encoding'] !== undefined)
    throw new Refusal('no-length', 'content-length is needed');
  const length = Number(text);
  if (!(length <= bytesMax))
    throw new Refusal('too-large', `the body has ${text} bytes, ${bytesMax} are allowed`);
  return length;
}

/** A body that names many chunks: its capability is for this very text. @throws Refusal */
export async function authorisedBody(
  exchange: Exchange,
  authority: Authority,
  op: Operation,
): Promise<unknown> {
  const length = lengthOf(exchange, requestBytesMax);
  const parts: Buffer[] = [];
  for await (const part of exchange.request) parts.push(part);
  const body = Buffer.concat(parts, length);
  authority.allow(exchange.request, op, createHash('sha256').update(body).digest('hex'));
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new Refusal('malformed', `the body is no JSON: ${(error as Error).message}`);
  }
}
