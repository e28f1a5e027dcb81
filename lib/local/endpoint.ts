import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallCounter } from './calls.ts';
import { principalOf } from './principals.ts';
import { LocalCloudRefusal } from './refusal.ts';
import type { Backend } from './wire.ts';

export interface Endpoint {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Paths that are no AWS service: the instance metadata service and the local cloud's own pages. */
export interface Routes {
  readonly services: Readonly<Record<string, Backend>>;
  readonly prefixes: Readonly<Record<string, Backend>>;
}

const credential = /Credential=([^/]+)\/[^/]+\/([^/]+)\/([^/]+)\/aws4_request/;
const scopeInQuery = /^([^/]+)\/[^/]+\/([^/]+)\/([^/]+)\/aws4_request$/;

function scopeOf(request: IncomingMessage, url: URL): RegExpExecArray | null {
  const header = request.headers.authorization;
  return header === undefined
    ? scopeInQuery.exec(url.searchParams.get('X-Amz-Credential') ?? '')
    : credential.exec(header);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ __type: code, message }));
}

function route(routes: Routes, counter: CallCounter) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://local');
    const prefix = url.pathname.split('/')[1] ?? '';
    const scope = scopeOf(request, url);
    const service = scope?.[3] ?? prefix;
    const principal = principalOf(scope?.[1] ?? '');
    const backend = routes.prefixes[prefix] ?? (scope ? routes.services[service] : undefined);
    if (!backend) {
      if (scope)
        refuse(response, 501, 'NotImplementedLocally', `The local cloud has no ${service}.`);
      else refuse(response, 403, 'MissingAuthenticationToken', 'The request is not signed.');
      return;
    }
    const count = (action: string): void => counter.add(service, action, principal);
    Promise.resolve(backend(request, response, { service, principal, url, count })).catch(
      (error: unknown) => {
        if (!response.headersSent) refuse(response, 500, 'InternalFailure', String(error));
        else response.destroy();
      },
    );
  };
}

/** Serves every AWS service on one loopback port, told apart by the credential scope of each request. */
export async function openEndpoint(
  routes: Routes,
  counter: CallCounter,
  port: number,
): Promise<Endpoint> {
  const server = createServer(route(routes, counter));
  server.keepAliveTimeout = 60_000; // longer than SDK clients keep idle sockets, so that they close first
  server.requestTimeout = 0;
  await listen(server, port);
  const bound = (server.address() as AddressInfo).port;
  return { port: bound, url: `http://127.0.0.1:${bound}`, close: () => shut(server) };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new LocalCloudRefusal('port-in-use', `Port ${port} is in use by another process.`)
          : cause,
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });

const shut = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
