import { request } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
  /** The `error` of a refusal. */
  readonly kind: string | undefined;
}

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array | string;
}

/** A request exactly as it is given: nothing is normalised, nothing is added but what HTTP needs. */
export function rawRequest(port: number, wanted: RawRequest): Promise<RawAnswer> {
  const { method, path, headers = {}, body } = wanted;
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const content = Buffer.concat(parts);
        const status = answer.statusCode ?? 0;
        const kind = status < 400 || content.length === 0 ? undefined : kindIn(content);
        resolve({ status, headers: answer.headers, body: content, kind });
      });
    });
    sent.end(body);
  });
}

function kindIn(content: Buffer): string {
  const { error, message } = JSON.parse(content.toString()) as Record<string, unknown>;
  if (typeof message !== 'string' || message === '') throw new Error('a refusal without a reason');
  return String(error);
}
