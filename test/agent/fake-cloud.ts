import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { marshall } from '@aws-sdk/util-dynamodb';
import { publicKey } from './arrivals.ts';

export interface FakeCloud {
  readonly endpoint: string;
  /** Bodies of the PutItem requests so far. */
  readonly heartbeats: readonly Record<string, unknown>[];
  /** How many PutMetricData requests came. */
  readonly metrics: () => number;
  /** The answer to GetItem: how the fleet throttles. */
  throttle: Readonly<Record<string, unknown>> | undefined;
  answers: 'well' | 'badly';
  readonly close: () => Promise<void>;
}

/** A node of this name was launched as a type of its own. */
const sized = (node: string): string => (node === 'n-sized' ? '\nballast:capacity' : '');

const metadata = (node: string): Readonly<Record<string, string>> => ({
  'instance-id': `i-${node}`,
  'local-ipv4': '127.0.0.1',
  'placement/availability-zone': 'z1a',
  'tags/instance/ballast:node': node,
  'tags/instance/ballast:fleet': 'f',
  'tags/instance/ballast:capability-key': publicKey,
  'tags/instance': `ballast:node\nballast:fleet\nballast:capability-key${sized(node)}`,
  'tags/instance/ballast:capacity': '5000000',
});

/** Instance metadata at `/imds/<node>`, and as much of DynamoDB and CloudWatch as a heartbeat needs. */
export async function fakeCloud(): Promise<FakeCloud> {
  const heartbeats: Record<string, unknown>[] = [];
  let metrics = 0;
  const server = createServer(async (request, response) => {
    const [, , node = '', path = ''] =
      /^\/(imds)\/([^/]+)\/latest\/(.*)$/.exec(request.url ?? '') ?? [];
    if (node !== '') {
      const isAllowed = request.headers['x-aws-ec2-metadata-token'] === 'T';
      const value = metadata(node)[path.replace('meta-data/', '')];
      if (path === 'api/token' && request.method === 'PUT') return response.end('T');
      response.statusCode = !isAllowed ? 401 : value === undefined ? 404 : 200;
      return response.end(value);
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    if (cloud.answers === 'badly') {
      response.statusCode = 400;
      return response.end('{"__type":"ResourceNotFoundException","message":"no such table"}');
    }
    if (String(request.headers['x-amz-target']).endsWith('PutItem'))
      heartbeats.push(JSON.parse(Buffer.concat(parts).toString()));
    else if (String(request.headers['x-amz-target']).endsWith('GetItem')) {
      response.setHeader('content-type', request.headers['content-type'] ?? 'text/plain');
      return response.end(
        JSON.stringify(cloud.throttle && { Item: marshall(cloud.throttle) }) ?? '{}',
      );
    } else metrics += 1;
    response.setHeader('content-type', request.headers['content-type'] ?? 'text/plain');
    for (const name of ['smithy-protocol'])
      if (request.headers[name] !== undefined) response.setHeader(name, request.headers[name]);
    // An empty map, in CBOR where that was spoken.
    response.end(request.headers['smithy-protocol'] === 'rpc-v2-cbor' ? Buffer.from([0xa0]) : '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cloud: FakeCloud = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heartbeats,
    metrics: () => metrics,
    throttle: undefined,
    answers: 'well',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return cloud;
}
