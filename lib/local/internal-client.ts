import { Agent, request } from 'node:http';
import { scopeHeader } from './principals.ts';
import { AwsError } from './refusal.ts';

/** Calls a JSON service through the endpoint, as everyone else does, so that the call is counted. */
export type JsonCall = (
  service: string,
  target: string,
  input: unknown,
  signal?: AbortSignal,
) => Promise<Record<string, unknown>>;

const contentType = 'application/x-amz-json-1.0';

export function jsonCaller(endpoint: () => string, region: string, accessKeyId: string): JsonCall {
  const agent = new Agent({ keepAlive: true });
  return (service, target, input, signal) =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(JSON.stringify(input));
      const headers = {
        'content-type': contentType,
        'content-length': body.length,
        'x-amz-target': target,
        'x-amz-date': '20260101T000000Z', // dynoxide wants one; nobody checks it
        authorization: scopeHeader(accessKeyId, region, service),
      };
      const options = { method: 'POST', agent, headers, ...(signal ? { signal } : {}) };
      const sent = request(endpoint(), options, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const value = parse(Buffer.concat(parts));
          if (answer.statusCode === 200) resolve(value);
          else reject(errorOf(value, answer.statusCode ?? 500));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
}

const parse = (body: Buffer): Record<string, unknown> =>
  body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);

function errorOf(value: Record<string, unknown>, status: number): AwsError {
  const code =
    String(value.__type ?? 'InternalFailure')
      .split('#')
      .at(-1) ?? '';
  return new AwsError(code, String(value.message ?? value.Message ?? ''), status);
}
