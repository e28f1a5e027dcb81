import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import {
  ChunkHeat,
  Closed,
  DamagedCopy,
  Held,
  PullEvent,
  type PullRequest,
  type RebuildRequest,
  Receipt,
  Removal,
  Renewal,
  Stats,
} from '../contract/agent.ts';
import { type Claims, issueCapability } from '../contract/capability.ts';
import type { NodeAddress, Nodes, PullChunk, PutChunk, RenewChunk } from '../control/ports.ts';
import { heatChunksMax } from '../core/heat.ts';
import type { ChunkId, NodeId } from '../core/ids.ts';
import {
  type AgentRequest,
  answerBytesMax,
  bodyOf,
  callAgent,
  linesOf,
  parsed,
} from './agent-http.ts';
import type { Settings } from './config.ts';
import { type FleetKey, fleetKey } from './fleet-key.ts';

/** A capability is used at once, and is worth little when it is stolen. */
const capabilityMs = 5 * 60_000;
/** What a pull reads last it begins to read shortly before an agent gives up pulling. */
const pullMs = 15 * 60_000;
const chunkBytesMax = 64 * 2 ** 20;
/** An answer that is only looked up. */
const lookMsMax = 5_000;
/** A disk that is busy syncing, or a pull that waits for its turn, may be silent for longer. */
const workMsMax = 30_000;
const heldPerPage = 1_000;
/** As many as one repair names, and a few that another one does. */
const damagedPerPage = 250;

export const agentNodes = (settings: Settings): Nodes => new AgentNodes(fleetKey(settings));

export class AgentNodes implements Nodes {
  readonly #key: FleetKey;
  readonly #now: () => number;

  constructor(key: FleetKey, now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
  }

  async put(to: NodeAddress, { chunk, slot, epoch, sha256, bytes }: PutChunk): Promise<Receipt> {
    const query = new URLSearchParams({ slot: `${slot}`, epoch: `${epoch}`, sha256 });
    const answer = await callAgent(to, {
      method: 'PUT',
      path: `/chunks/${chunk}?${query}`,
      capability: await this.#capability('put', to.node, chunk),
      body: bytes,
      idleMsMax: workMsMax,
    });
    const body = await bodyOf(to, answer, answerBytesMax);
    return parsed(to, body.toString(), (value) => Receipt.parse(value));
  }

  async read(from: NodeAddress, chunk: ChunkId): Promise<Uint8Array> {
    const answer = await callAgent(from, {
      method: 'GET',
      path: `/chunks/${chunk}`,
      capability: await this.#capability('read', from.node, chunk),
      idleMsMax: lookMsMax,
    });
    return bodyOf(from, answer, chunkBytesMax);
  }

  async *pull(
    to: NodeAddress,
    sources: readonly NodeAddress[],
    chunks: readonly PullChunk[],
    rate: number,
  ): AsyncGenerator<PullEvent> {
    const request = await this.#pullRequest(preferredFirst(sources, chunks), chunks, rate);
    const answer = await callAgent(to, await this.#post('/pulls', 'pull', to, request));
    try {
      yield* linesOf(to, answer, (line) => PullEvent.parse(line));
    } finally {
      answer.destroy();
    }
  }

  async #pullRequest(
    sources: readonly NodeAddress[],
    chunks: readonly PullChunk[],
    rate: number,
  ): Promise<PullRequest> {
    const readsOf = ({ chunk, holders }: PullChunk) =>
      Promise.all(
        sources.map(({ node }) =>
          holders.includes(node) ? this.#capability('read', node, chunk, pullMs) : null,
        ),
      );
    const wanted = chunks.map(async (each) => {
      const { chunk, slot, size, sha256, epoch } = each;
      const rebuild = await this.#rebuildOf(sources, each);
      const copy = { chunk, slot, size, sha256, epoch, reads: await readsOf(each) };
      return { ...copy, ...(rebuild && { rebuild }) };
    });
    const where = sources.map(({ node, address }) => ({ node, address }));
    return { sources: where, chunks: await Promise.all(wanted), rate };
  }

  async #rebuildOf(
    sources: readonly NodeAddress[],
    { chunk, rebuild }: PullChunk,
  ): Promise<RebuildRequest | undefined> {
    if (rebuild === undefined) return undefined;
    const { data, parity, when } = rebuild;
    const shards = rebuild.shards.map(async ({ slot, node, sha256 }) => {
      const source = sources.findIndex((each) => each.node === node);
      const read = await this.#capability('read', node, chunk, pullMs);
      return { slot, source, sha256, read };
    });
    return { data, parity, when, shards: await Promise.all(shards) };
  }

  async remove(
    from: NodeAddress,
    removals: readonly { readonly chunk: ChunkId; readonly version: number }[],
  ): Promise<readonly Removal[]> {
    const request = await this.#post('/removals', 'delete', from, { removals });
    const body = await bodyOf(from, await callAgent(from, request), answerBytesMax);
    return parsed(from, body.toString(), (value) => z.array(Removal).parse(value));
  }

  async renew(at: NodeAddress, renewals: readonly RenewChunk[]): Promise<readonly Renewal[]> {
    const request = await this.#post('/renewals', 'renew', at, { renewals });
    const body = await bodyOf(at, await callAgent(at, request), answerBytesMax);
    return parsed(at, body.toString(), (value) => z.array(Renewal).parse(value));
  }

  async close(at: NodeAddress): Promise<number> {
    const answer = await callAgent(at, {
      method: 'POST',
      path: '/connections/close',
      capability: await this.#capability('close', at.node),
      idleMsMax: lookMsMax,
    });
    const body = await bodyOf(at, answer, answerBytesMax);
    return parsed(at, body.toString(), (value) => Closed.parse(value)).closed;
  }

  /** An agent may send shorter pages than it was asked for: only an empty one is the last. */
  async held(node: NodeAddress, after?: string) {
    const query = new URLSearchParams({ limit: `${heldPerPage}`, ...(after && { after }) });
    const answer = await callAgent(node, await this.#look(`/inventory?${query}`, node));
    const held: Held[] = [];
    for await (const each of linesOf(node, answer, (line) => Held.parse(line))) held.push(each);
    const last = held.at(-1)?.chunk;
    return last === undefined ? { held } : { held, next: last };
  }

  /** As {@link held}. */
  async damaged(node: NodeAddress, after?: string) {
    const query = new URLSearchParams({ limit: `${damagedPerPage}`, ...(after && { after }) });
    const answer = await callAgent(node, await this.#look(`/damaged?${query}`, node));
    const damaged: DamagedCopy[] = [];
    for await (const each of linesOf(node, answer, (line) => DamagedCopy.parse(line)))
      damaged.push(each);
    const last = damaged.at(-1)?.chunk;
    return last === undefined ? { damaged } : { damaged, next: last };
  }

  async heat(node: NodeAddress, limit: number): Promise<readonly ChunkHeat[]> {
    const most = Math.min(limit, heatChunksMax);
    const answer = await callAgent(node, await this.#look(`/heat?limit=${most}`, node));
    const heats: ChunkHeat[] = [];
    const until = this.#now() + lookMsMax;
    for await (const each of linesOf(node, answer, (line) => ChunkHeat.parse(line))) {
      heats.push(each);
      if (heats.length >= most || this.#now() >= until) break;
    }
    return heats;
  }

  async stats(node: NodeAddress): Promise<Stats> {
    const answer = await callAgent(node, await this.#look('/stats', node));
    const body = await bodyOf(node, answer, answerBytesMax);
    return parsed(node, body.toString(), (value) => Stats.parse(value));
  }

  async #look(path: string, { node }: NodeAddress): Promise<AgentRequest> {
    const capability = await this.#capability('inspect', node);
    return { method: 'GET', path, capability, idleMsMax: lookMsMax };
  }

  /** A request that names many chunks: its capability is for this very body. */
  async #post(
    path: string,
    op: 'pull' | 'delete' | 'renew',
    { node }: NodeAddress,
    content: object,
  ): Promise<AgentRequest> {
    const body = Buffer.from(JSON.stringify(content));
    const subject = createHash('sha256').update(body).digest('hex');
    const capability = await this.#capability(op, node, subject);
    return { method: 'POST', path, capability, body, idleMsMax: workMsMax };
  }

  async #capability(
    op: Claims['op'],
    node: NodeId,
    subject?: string,
    lifeMs = capabilityMs,
  ): Promise<string> {
    const expires = this.#now() + lifeMs;
    return issueCapability(await this.#key(), {
      op,
      node,
      expires,
      ...(subject !== undefined && { subject }),
    });
  }
}

/** The source that most chunks prefer comes first: all chunks of a request share one order. */
function preferredFirst(
  sources: readonly NodeAddress[],
  chunks: readonly PullChunk[],
): readonly NodeAddress[] {
  const preferring = ({ node }: NodeAddress) =>
    chunks.filter(({ holders }) => holders[0] === node).length;
  return sources.toSorted((left, right) => preferring(right) - preferring(left));
}
