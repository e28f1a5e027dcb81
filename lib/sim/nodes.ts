import type {
  ChunkHeat,
  DamagedCopy,
  Held,
  PullEvent,
  Receipt,
  Removal,
  Renewal,
  Stats,
} from '../contract/agent.ts';
import {
  type NodeAddress,
  NodeRefused,
  type Nodes,
  NodeUnreachable,
  type PullChunk,
  type PutChunk,
  type RenewChunk,
} from '../control/ports.ts';
import type { ChunkId } from '../core/ids.ts';
import { flipped } from './disk.ts';
import type { SimNode } from './node.ts';
import { damagedOn } from './node-stats.ts';
import type { Process } from './process.ts';

/** By `host:port`. */
export type Neighbourhood = ReadonlyMap<string, SimNode>;

/** How much later than its sender gave up a request may still take effect. */
const lateMs = [20, 30_000] as const;
const heldPage = [2, 30] as const;
const damagedPageMax = 2;

/** One process's view of the node agents over a network that loses, delays and corrupts. */
export class SimNodes implements Nodes {
  readonly #process: Process;
  readonly #nodes: Neighbourhood;

  constructor(process: Process, nodes: Neighbourhood) {
    this.#process = process;
    this.#nodes = nodes;
  }

  put(to: NodeAddress, chunk: PutChunk): Promise<Receipt> {
    return this.#ask(to, `put ${chunk.chunk}`, (node, answer) => node.put(chunk, answer));
  }

  async read(from: NodeAddress, chunk: ChunkId): Promise<Uint8Array> {
    const bytes = await this.#ask<Uint8Array>(from, `read ${chunk}`, (node, answer) =>
      answer(() => node.read(chunk)),
    );
    const { random, faults } = this.#process.ground;
    return random.chance(faults.bitsFlipped) ? flipped(bytes) : bytes;
  }

  async *pull(
    to: NodeAddress,
    sources: readonly NodeAddress[],
    chunks: readonly PullChunk[],
    rate: number,
  ): AsyncIterable<PullEvent> {
    if (rate <= 0) throw new NodeRefused('malformed', 'a pull at no rate never ends');
    const stream = new PullStream(this.#process, this.#nodes, sources, chunks);
    await this.#ask<void>(to, `pull ${chunks.length}`, (node, answer) => {
      stream.serve(node);
      answer(() => undefined);
    });
    try {
      for (let event = await stream.next(); event !== 'end'; event = await stream.next()) {
        yield event;
      }
    } finally {
      stream.abandon();
    }
  }

  remove(
    from: NodeAddress,
    removals: readonly { readonly chunk: ChunkId; readonly version: number }[],
  ): Promise<readonly Removal[]> {
    return this.#ask(
      from,
      `remove ${removals.length}`,
      (node, answer) => answer(() => node.remove(removals)),
      'removeLate',
    );
  }

  renew(at: NodeAddress, renewals: readonly RenewChunk[]): Promise<readonly Renewal[]> {
    return this.#ask<readonly Renewal[]>(at, `renew ${renewals.length}`, (node, answer) =>
      node.renew(renewals, answer),
    );
  }

  close(at: NodeAddress): Promise<number> {
    return this.#ask(at, 'close', (node, answer) => answer(() => node.closeConnections()));
  }

  held(
    node: NodeAddress,
    after = '',
  ): Promise<{ readonly held: readonly Held[]; readonly next?: string }> {
    const limit = heldPage[0] + this.#process.ground.random.below(heldPage[1]);
    return this.#ask(node, 'held', (to, answer) => answer(() => to.held(after, limit)));
  }

  damaged(
    node: NodeAddress,
    after = '',
  ): Promise<{ readonly damaged: readonly DamagedCopy[]; readonly next?: string }> {
    const limit = 1 + this.#process.ground.random.below(damagedPageMax);
    return this.#ask(node, 'damaged', (to, answer) => answer(() => damagedOn(to, after, limit)));
  }

  heat(node: NodeAddress, limit: number): Promise<readonly ChunkHeat[]> {
    return this.#ask(node, 'heat', (to, answer) => answer(() => to.heat(limit)));
  }

  stats(node: NodeAddress): Promise<Stats> {
    return this.#ask(node, 'stats', (to, answer) => answer(() => to.stats()));
  }

  /** `serve` takes effect before, after, or long after the answer, or its answer is lost. */
  #ask<T>(
    to: NodeAddress,
    what: string,
    serve: (node: SimNode, answer: (result: () => T) => void) => void,
    late: 'nodeLate' | 'removeLate' = 'nodeLate',
  ): Promise<T> {
    return this.#process.request<T>(`${what} at ${to.node}`, (answer) => {
      const { random, faults, scheduler } = this.#process.ground;
      const silent = new NodeUnreachable(`${to.node} did not answer`);
      if (random.chance(faults.nodeUnreachable)) throw silent;
      const node = nodeAt(this.#nodes, to);
      if (random.chance(faults[late])) {
        scheduler.after(random.logBetween(lateMs[0], lateMs[1]), () =>
          unheard(() => serve(nodeAt(this.#nodes, to), unheard)),
        );
        throw silent;
      }
      if (random.chance(faults.nodeAnswerLost)) {
        unheard(() => serve(node, unheard));
        throw silent;
      }
      let answered = false;
      serve(node, (result) => {
        answered = true;
        answer(result);
      });
      if (!answered) scheduler.after(giveUpMs, () => answer(() => raise(silent)));
    });
  }
}

/** A caller waits so long for the answer of a node that died in the middle. */
const giveUpMs = 2_000;

const raise = (error: Error): never => {
  throw error;
};

/** The effect happens; nobody hears how it ended. */
function unheard(result: () => unknown): void {
  try {
    result();
  } catch (error) {
    if (!(error instanceof NodeRefused || error instanceof NodeUnreachable)) throw error;
  }
}

function nodeAt(nodes: Neighbourhood, to: NodeAddress): SimNode {
  const node = nodes.get(to.address);
  if (node === undefined) throw new NodeUnreachable(`nobody listens at ${to.address}`);
  node.mustBeUp();
  if (node.id !== to.node) throw new NodeRefused('wrong-node', `${to.address} is ${node.id}`);
  return node;
}

/** The NDJSON of one pull: the node goes on whether or not somebody listens. */
class PullStream {
  readonly #process: Process;
  readonly #nodes: Neighbourhood;
  readonly #sources: readonly NodeAddress[];
  readonly #chunks: readonly PullChunk[];
  readonly #events: (PullEvent | 'end' | 'broken')[] = [];
  #wake: (() => void) | undefined;
  #abandoned = false;

  constructor(
    process: Process,
    nodes: Neighbourhood,
    sources: readonly NodeAddress[],
    chunks: readonly PullChunk[],
  ) {
    this.#process = process;
    this.#nodes = nodes;
    this.#sources = sources;
    this.#chunks = chunks;
  }

  serve(node: SimNode, at = 0): void {
    const wanted = this.#chunks[at];
    if (wanted === undefined || this.#abandoned) {
      this.#tell('end');
      return;
    }
    const sourceOf = (holder: string): SimNode | undefined =>
      this.#nodes.get(this.#sources.find((source) => source.node === holder)?.address ?? '');
    node.pull(wanted, sourceOf, (event) => {
      if (event === 'died') return this.#tell('broken');
      this.#tell(event);
      this.serve(node, at + 1);
    });
  }

  abandon(): void {
    this.#abandoned = true;
  }

  /** @throws NodeUnreachable when the stream broke: the node may still be at work */
  async next(): Promise<PullEvent | 'end'> {
    const { random, faults } = this.#process.ground;
    const event = await this.#process.request<PullEvent | 'end' | 'broken'>(
      'pull event',
      (answer) => {
        const give = () => answer(() => this.#events.shift()!);
        if (random.chance(faults.nodeAnswerLost / 4)) return answer(() => 'broken');
        if (this.#events.length > 0) give();
        else this.#wake = give;
      },
    );
    if (event === 'broken') throw new NodeUnreachable('the stream broke');
    return event;
  }

  #tell(event: PullEvent | 'end' | 'broken'): void {
    this.#events.push(event);
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
