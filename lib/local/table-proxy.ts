import { Agent, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { Backend } from './wire.ts';

const writes: ReadonlySet<string> = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
]);

/**
 * Passes requests on as they stream, over kept-alive connections. Not by `pipe`: it costs a third more CPU, and
 * DynamoDB's own limits (4 MB in, 16 MB out) bound what can pile up.
 *
 * @param writesAtOnceMax further writes wait in their order; reads never do
 */
export function proxyTo(target: URL, writesAtOnceMax: number): Backend {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const queue = new WriteQueue(writesAtOnceMax);
  return (request, response, call) => {
    const action = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? 'unknown';
    call.count(action);
    if (writes.has(action)) queue.add(response, () => passOn({ target, agent }, request, response));
    else passOn({ target, agent }, request, response);
  };
}

interface Onward {
  readonly target: URL;
  readonly agent: Agent;
}

function passOn(
  { target, agent }: Onward,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { hostname, port } = target;
  const { method, url, headers } = request;
  const onward = send({ hostname, port, method, path: url, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('data', (part: Buffer) => response.write(part));
    answer.on('end', () => response.end());
    answer.on('error', () => response.destroy());
  });
  onward.on('error', (error) => {
    if (response.headersSent) return response.destroy();
    response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ __type: 'InternalServerError', message: error.message }));
  });
  response.on('close', () => response.writableFinished || onward.destroy());
  request.on('data', (part: Buffer) => onward.write(part));
  request.on('end', () => onward.end());
}

interface Write {
  readonly begin: () => void;
  state: 'waits' | 'begun' | 'closed';
}

/** Each begins when its turn comes, and has it until its answer is closed; who has gone meanwhile is left out. */
class WriteQueue {
  readonly #atOnceMax: number;
  readonly #waiting: Write[] = [];
  #begun = 0;

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax;
  }

  add(response: ServerResponse, begin: () => void): void {
    const write: Write = { begin, state: 'waits' };
    response.once('close', () => {
      if (write.state === 'begun') this.#begun--;
      write.state = 'closed';
      this.#beginNext();
    });
    this.#waiting.push(write);
    this.#beginNext();
  }

  #beginNext(): void {
    while (this.#begun < this.#atOnceMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.state === 'closed') continue;
      next.state = 'begun';
      this.#begun++;
      next.begin();
    }
  }
}
