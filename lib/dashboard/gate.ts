import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request that is not answered: the status, and why in one sentence. */
export interface Refusal {
  readonly status: number;
  readonly sentence: string;
}

export interface Gate {
  readonly port: number;
  /** Whoever has it may read and steer. */
  readonly key: string;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Who gets in. A page of another site can make a browser send requests to loopback, and by a name of its own
 * that it points there (DNS rebinding) even read the answers: so the name, the origin and, for whatever says
 * or does something, the key are checked.
 */
export function refusalOf(gate: Gate, { method, path, headers }: Asked): Refusal | undefined {
  const names = [`127.0.0.1:${gate.port}`, `localhost:${gate.port}`];
  if (!names.includes(headers.host ?? '')) {
    return { status: 421, sentence: 'This server goes by its own name only.' };
  }
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) {
    return { status: 403, sentence: 'Requests of other pages are not answered.' };
  }
  const wanted = path.startsWith('/api/') ? methodOf(path) : 'GET';
  if (method !== wanted) return { status: 405, sentence: `${path} takes ${wanted}.` };
  return path.startsWith('/api/') ? apiRefusal(gate, wanted, headers) : undefined;
}

const methodOf = (path: string): 'GET' | 'POST' => (path === '/api/live' ? 'GET' : 'POST');

function apiRefusal(
  { key }: Gate,
  method: string,
  headers: IncomingHttpHeaders,
): Refusal | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') {
    return { status: 403, sentence: 'Requests of other pages are not answered.' };
  }
  if (!isKey(key, headers.authorization)) {
    return { status: 401, sentence: 'This needs the key in the address that was printed.' };
  }
  if (method === 'POST' && headers['content-type'] !== 'application/json') {
    return { status: 415, sentence: 'The body must be application/json.' };
  }
  return undefined;
}

function isKey(key: string, authorization: string | undefined): boolean {
  const wanted = Buffer.from(`Bearer ${key}`);
  const given = Buffer.from(authorization ?? '');
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

/** On every answer: nothing from elsewhere is loaded, framed, sent or kept. */
export const guardHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const;
