import type { ServerResponse } from 'node:http';
import type { Functions } from './functions.ts';
import { AwsError } from './refusal.ts';
import { asAwsError, type Backend, readBody } from './wire.ts';

const invocation = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/** Lambda's Invoke, in both its forms; every other action is refused by its method and path. */
export function lambdaBackend(functions: Functions): Backend {
  return async (request, response, call) => {
    const path = invocation.exec(call.url.pathname);
    call.count(path && request.method === 'POST' ? 'Invoke' : `${request.method}`);
    try {
      if (!path || request.method !== 'POST')
        throw new AwsError(
          'NotImplementedLocally',
          `The local cloud does not serve lambda ${request.method} ${call.url.pathname}.`,
          501,
        );
      const name = decodeURIComponent(path[1] ?? '');
      const body = await readBody(request);
      const event: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
      if (request.headers['x-amz-invocation-type'] === 'Event') {
        functions.invokeLater(name, event);
        return reply(response, 202, {}, '');
      }
      const answer = await functions.invoke(name, event);
      return answer.ok
        ? reply(response, 200, {}, JSON.stringify(answer.value))
        : reply(
            response,
            200,
            { 'x-amz-function-error': 'Unhandled' },
            JSON.stringify(answer.error),
          );
    } catch (cause) {
      const { code, message, status } = asAwsError(cause);
      return reply(response, status, { 'x-amzn-errortype': code }, JSON.stringify({ message }));
    }
  };
}

function reply(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}
