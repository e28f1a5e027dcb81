import type { ServerResponse } from 'node:http';
import { type PullEvent, PullRequest, sourcesPerPullMax } from '../contract/agent.ts';
import { slotsPerChunkMax } from '../core/limits.ts';
import { authorisedBody, type Exchange } from './exchange.ts';
import {
  aliveMs,
  chunkBytesMax,
  chunksPerRequestMax,
  progressMs,
  pullMsMax,
  pullsMax,
} from './limits.ts';
import { pull } from './pull.ts';
import { Refusal } from './refusal.ts';
import { parseSource } from './source-address.ts';
import type { StorageNode } from './storage-node.ts';

/** Pulls that run on each node of this process. */
const running = new WeakMap<StorageNode, number>();

/** POST /pulls: answers line by line until all chunks are received or have failed. */
export async function pulls(node: StorageNode, exchange: Exchange): Promise<void> {
  const body = await authorisedBody(exchange, node.authority, 'pull');
  const request = parsePull(body);
  node.store.health.mustBeSound();
  const now = running.get(node) ?? 0;
  if (now >= pullsMax) throw new Refusal('busy', `${pullsMax} pulls run already`);
  running.set(node, now + 1);
  try {
    await answer(node, request, exchange);
  } finally {
    running.set(node, running.get(node)! - 1);
  }
}

async function answer(
  node: StorageNode,
  request: PullRequest,
  { response, gone }: Exchange,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const lines = new Progress(response, node.now);
  const answered = new Set<string>();
  const signal = AbortSignal.any([gone, AbortSignal.timeout(pullMsMax)]);
  try {
    await pull(node, request, {
      signal,
      carried: (bytes) => lines.carried(bytes),
      told: (event) => {
        if (event.event !== 'progress') answered.add(chunkOf(event));
        lines.tell(event);
      },
    });
  } catch (error) {
    if (!isStopping(error)) throw error;
    const rest = request.chunks.filter(({ chunk }) => !answered.has(chunk));
    for (const { chunk } of rest)
      lines.tell({ event: 'failed', chunk, reason: 'stopping', message: error.message });
  } finally {
    lines.end();
  }
  response.end();
}

const chunkOf = (event: Exclude<PullEvent, { event: 'progress' }>): string =>
  event.event === 'received' ? event.receipt.chunk : event.chunk;

const isStopping = (error: unknown): error is Refusal =>
  error instanceof Refusal && error.kind === 'stopping';

/** @throws Refusal 'malformed' */
function parsePull(body: unknown): PullRequest {
  const parsed = PullRequest.safeParse(body);
  if (!parsed.success) throw new Refusal('malformed', 'the body is no pull request');
  const { sources, chunks } = parsed.data;
  const wrong = sources.find(({ address }) => parseSource(address) === undefined);
  if (wrong !== undefined)
    throw new Refusal('malformed', `${JSON.stringify(wrong.address)} is no node's address`);
  if (chunks.length > chunksPerRequestMax || sources.length > sourcesPerPullMax)
    throw new Refusal(
      'malformed',
      `${chunks.length} chunks or ${sources.length} sources: too many`,
    );
  if (chunks.some(({ size }) => size > chunkBytesMax))
    throw new Refusal('malformed', `a chunk has at most ${chunkBytesMax} bytes`);
  const whole = chunks.every(({ slot, size, epoch }) =>
    [slot, size, epoch].every(Number.isInteger),
  );
  if (!whole) throw new Refusal('malformed', 'slot, size and epoch are whole numbers');
  const isRebuildable = chunks.every((chunk) => mayRebuild(chunk, sources.length));
  if (!isRebuildable) throw new Refusal('malformed', 'a rebuilding names no code or no sources');
  return parsed.data;
}

/** A code over GF(256), and distinct other slots of it from sources that the request names. */
function mayRebuild({ slot, rebuild }: PullRequest['chunks'][number], sources: number): boolean {
  if (rebuild === undefined) return true;
  const { data, parity, shards } = rebuild;
  const isSlot = (value: number) => Number.isInteger(value) && value < data + parity;
  const isCode = Number.isInteger(data) && data > 0 && Number.isInteger(parity);
  return (
    isCode &&
    data + parity <= slotsPerChunkMax &&
    [slot, ...shards.map((shard) => shard.slot)].every(isSlot) &&
    new Set([slot, ...shards.map((shard) => shard.slot)]).size === shards.length + 1 &&
    shards.every(({ source }) => Number.isInteger(source) && source < sources)
  );
}

/** The lines of a pull's answer; of progress at most four a second, and one now and then as a sign of life. */
class Progress {
  readonly #response: ServerResponse;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #toldBytes = 0;
  #toldAt: number;

  constructor(response: ServerResponse, now: () => number) {
    this.#response = response;
    this.#now = now;
    this.#toldAt = now();
    this.#timer = setInterval(() => this.#tick(), progressMs);
  }

  carried(bytes: number): void {
    this.#bytes += bytes;
  }

  tell(event: PullEvent): void {
    if (!this.#response.destroyed) this.#response.write(`${JSON.stringify(event)}\n`);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = this.#now();
    if (this.#bytes === this.#toldBytes && now - this.#toldAt < aliveMs) return;
    this.#toldBytes = this.#bytes;
    this.#toldAt = now;
    this.tell({ event: 'progress', bytes: this.#bytes });
  }
}
