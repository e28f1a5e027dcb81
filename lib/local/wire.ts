import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AwsError } from './refusal.ts';

/** One request that reached the endpoint, before its body was read. */
export interface Call {
  readonly service: string;
  readonly principal: string;
  readonly url: URL;
  /** Counts the call under the action it turned out to be. */
  readonly count: (action: string) => void;
}
export type Backend = (
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
) => void | Promise<void>;

/** The AWS limits of the services that are served here are far below (PutMetricData: 1 MB, Invoke: 6 MB). */
const bodyBytesMax = 8 * 1024 * 1024;
const unzip = promisify(gunzip);

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bodyBytesMax)
      throw new AwsError('RequestEntityTooLarge', `The body is over ${bodyBytesMax} bytes.`, 413);
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  return request.headers['content-encoding'] === 'gzip' ? unzip(body) : body;
}

export const asAwsError = (error: unknown): AwsError =>
  error instanceof AwsError
    ? error
    : new AwsError('InternalFailure', error instanceof Error ? error.message : String(error), 500);

export type Actions<Input> = Readonly<
  Record<string, (input: Input, call: Call) => unknown | Promise<unknown>>
>;

const notServed = (service: string, action: string): AwsError =>
  new AwsError(
    'NotImplementedLocally',
    `The local cloud does not serve ${service} ${action}; it serves only what the template's functions call.`,
    501,
  );

function replyJson(response: ServerResponse, status: number, type: string, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value ?? {}));
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  response.end(body);
}

/** A service of the AWS JSON protocols: the action is in `x-amz-target`, input and output are JSON. */
export function jsonService(actions: Actions<Record<string, unknown>>): Backend {
  return async (request, response, call) => {
    const action =
      String(request.headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1) ?? '';
    const type = request.headers['content-type'] ?? 'application/x-amz-json-1.1';
    call.count(action);
    try {
      const run = actions[action];
      if (!run) throw notServed(call.service, action || `${request.method} ${call.url.pathname}`);
      const body = await readBody(request);
      const input =
        body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
      replyJson(response, 200, type, await run(input, call));
    } catch (cause) {
      const error = asAwsError(cause);
      response.setHeader('x-amzn-query-error', `${error.code};Sender`);
      replyJson(response, error.status, type, { __type: error.code, message: error.message });
    }
  };
}

const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Objects become elements, arrays become `<item>` lists (the EC2 form), `undefined` disappears. */
export function toXml(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => `<item>${toXml(item)}</item>`).join('');
  if (typeof value !== 'object') return escapeXml(String(value));
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `<${name}>${toXml(inner)}</${name}>`)
    .join('');
}

function replyXml(response: ServerResponse, status: number, xml: string): void {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': body.length });
  response.end(body);
}

/** How a query service wraps an answer and an error. */
interface QueryForm {
  readonly answer: (action: string, xml: string) => string;
  readonly error: (error: AwsError) => string;
}

export const ec2Form: QueryForm = {
  answer: (action, xml) =>
    `<${action}Response><requestId>local</requestId>${xml}</${action}Response>`,
  error: ({ code, message }) =>
    `<Response><Errors>${toXml({ Error: { Code: code, Message: message } })}</Errors>` +
    '<RequestID>local</RequestID></Response>',
};

export const queryForm: QueryForm = {
  answer: (action, xml) =>
    `<${action}Response><${action}Result>${xml}</${action}Result>` +
    `<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></${action}Response>`,
  error: ({ code, message }) =>
    `<ErrorResponse>${toXml({ Error: { Type: 'Sender', Code: code, Message: message } })}` +
    '<RequestId>local</RequestId></ErrorResponse>',
};

/** A service of the query protocols: a form with `Action`, an XML answer. */
export function queryService(form: QueryForm, actions: Actions<URLSearchParams>): Backend {
  return async (request, response, call) => {
    try {
      const input = new URLSearchParams((await readBody(request)).toString());
      const action = input.get('Action') ?? '';
      call.count(action);
      const run = actions[action];
      if (!run) throw notServed(call.service, action);
      replyXml(response, 200, form.answer(action, toXml(await run(input, call))));
    } catch (cause) {
      const error = asAwsError(cause);
      replyXml(response, error.status, form.error(error));
    }
  };
}
