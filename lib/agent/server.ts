import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { checkProtocol } from './authority.ts';
import { chunkRequests, isBackground } from './chunk-requests.ts';
import { type Exchange, sendJson } from './exchange.ts';
import {
  connectionsMax,
  headMsMax,
  idleMsMax,
  keptMsMax,
  requestMsMax,
  stopMsMax,
} from './limits.ts';
import type { Log } from './log.ts';
import { healthRoute, nodeRequests } from './node-requests.ts';
import { Refusal } from './refusal.ts';
import type { StorageNode } from './storage-node.ts';

const chunkPath = /^\/chunks\/([a-f0-9]{64})$/;
/** Refusals whose body is not worth reading to its end. */
const cutShort: readonly string[] = ['too-large', 'no-length', 'stopping'];

const idleSweepMs = 50;

/** The HTTP side of a node. It listens before the disk is looked at, so that two agents never share one. */
export class AgentServer {
  readonly #server: Server;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #node: StorageNode | undefined;

  constructor(log: Log) {
    this.#log = log;
    this.#server = createServer(
      {
        headersTimeout: headMsMax,
        requestTimeout: requestMsMax,
        keepAliveTimeout: keptMsMax,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = connectionsMax;
    this.#server.timeout = idleMsMax;
  }

  /** @returns the port. @throws what the system says of the address */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** From now on requests are served. */
  serve(node: StorageNode): void {
    this.#node = node;
  }

  /** Takes no new requests, lets running ones end, and gives up on those that do not. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Refusal('stopping', 'this node is stopping'));
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => this.#server.closeAllConnections(), stopMsMax);
    // A kept connection may fall idle only now.
    const idle = setInterval(() => this.#server.closeIdleConnections(), idleSweepMs);
    await closed;
    clearTimeout(timer);
    clearInterval(idle);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    const exchange = {
      request,
      response,
      query: new URLSearchParams(search),
      gone: gone(response),
    };
    // A broken connection shows where it is used.
    response.on('error', () => {});
    try {
      this.#stopping.signal.throwIfAborted();
      await this.#dispatch(path, exchange);
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  #dispatch(path: string, exchange: Exchange): Promise<void> {
    const node = this.#node;
    if (node === undefined) throw new Refusal('busy', 'this node is starting');
    const route = `${exchange.request.method} ${path}`;
    if (route !== healthRoute) checkProtocol(exchange.request);
    const onNode = nodeRequests[route];
    if (onNode !== undefined)
      return onNode(node, { ...exchange, gone: this.#goneOrStopping(exchange) });
    const chunk = chunkPath.exec(path)?.[1];
    const onChunk = chunkRequests[exchange.request.method ?? ''];
    if (chunk === undefined || onChunk === undefined)
      throw new Refusal('malformed', 'there is no such request');
    if (!isBackground(exchange)) measure(node, exchange.response);
    return onChunk(node, chunk, exchange);
  }

  #goneOrStopping({ gone }: Exchange): AbortSignal {
    return AbortSignal.any([gone, this.#stopping.signal]);
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const { request, response, gone } = exchange;
    if (gone.aborted || (request.destroyed && !request.complete)) {
      response.destroy();
      return;
    }
    const refusal = error instanceof Refusal ? error : this.#fault(error as Error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (cutShort.includes(refusal.kind)) response.setHeader('connection', 'close');
    sendJson(exchange, refusal.status, { error: refusal.kind, message: refusal.message });
  }

  #fault(error: Error): Refusal {
    this.#log('request-failed', { error: error.stack ?? error.message });
    return new Refusal('busy', 'this node could not answer');
  }
}

/** Aborts when the answer has been sent, or its connection is lost. */
function gone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort(new Error('the caller is gone')));
  return controller.signal;
}

/** Counts a client's request while it is open, and how long it took. */
function measure({ traffic, now }: StorageNode, response: ServerResponse): void {
  const from = now();
  const closed = traffic.opened(() => response.destroy());
  response.once('close', () => {
    closed();
    if (response.writableFinished) traffic.answered(now() - from);
  });
}
