import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Context } from '../cli/context.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { failureOf } from '../cli/failure.ts';
import { UserError } from '../cli/user-error.ts';
import type { Asset } from './assets.ts';
import { type Gate, guardHeaders, refusalOf } from './gate.ts';
import type { LiveReader } from './live-reader.ts';
import { verbs } from './verbs.ts';

export interface Site {
  readonly gate: Gate;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly reader: LiveReader;
  readonly context: Context;
}

/** A drain of a thousand nodes by name fits. */
const bodyBytesMax = 65_536;
const verbPrefix = '/api/verbs/';

/** Answers one request, whatever it is. */
export async function answerTo(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', headers } = request;
  const path = (request.url ?? '').split('?')[0]!;
  const refusal = refusalOf(site.gate, { method, path, headers });
  if (refusal !== undefined) {
    return answerJson(response, refusal.status, { error: refusal.sentence });
  }
  if (path === '/api/live') return stream(site.reader, response);
  if (path.startsWith(verbPrefix)) {
    return runVerb(site, path.slice(verbPrefix.length), request, response);
  }
  const asset = site.assets.get(path);
  if (asset === undefined) return answerJson(response, 404, { error: `There is no ${path}.` });
  response.writeHead(200, { ...guardHeaders, 'content-type': asset.type }).end(asset.body);
}

function answerJson(response: ServerResponse, status: number, document: object): void {
  const headers = { ...guardHeaders, 'content-type': 'application/json' };
  // A body that was not read would be taken for the next request.
  const ending = status >= 400 ? { connection: 'close' } : {};
  response.writeHead(status, { ...headers, ...ending }).end(JSON.stringify(document));
}

/** Live events, one a line, until the page goes. One that reads slowly misses readings, never slows others. */
function stream(reader: LiveReader, response: ServerResponse): void {
  response.writeHead(200, { ...guardHeaders, 'content-type': 'application/x-ndjson' });
  const stop = reader.listen((event) => {
    if (!response.writableNeedDrain) response.write(`${JSON.stringify(event)}\n`);
  });
  response.on('close', stop);
}

async function runVerb(
  { context, reader }: Site,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const run = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (run === undefined) throw new UserError(`There is no verb ${name}.`);
    const answer = await run(context, await bodyOf(request));
    answerJson(response, 200, { document: answer.document, text: answer.text() });
    reader.refresh();
  } catch (error) {
    const { sentence, exitCode, detail } = failureOf(error);
    answerJson(response, statusByExitCode[exitCode] ?? 500, { error: sentence, ...detail });
  }
}

const statusByExitCode: Readonly<Record<number, number>> = {
  [exitCodes.usage]: 400,
  [exitCodes.blocked]: 409,
};

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  if (!(length <= bodyBytesMax)) {
    throw new UserError(`The body must say its length, ${bodyBytesMax} bytes at most.`);
  }
  try {
    return await json(request);
  } catch {
    throw new UserError('The body is not JSON.');
  }
}
