import { type Arrival, pull, put, removals } from '../agent/agent-calls.ts';
import type { AgentProcess } from '../agent/agent-process.ts';
import { capability, randomArrival } from '../agent/arrivals.ts';

type Held = Omit<Arrival, 'bytes'> & { readonly size: number };

/** Sizes of chunks, in turns. */
const sizes = [256 * 1024, 2 ** 20, 4 * 2 ** 20];
/** As the pacer's: batches in flight at a node, and chunks of one. */
const batchesAtOnce = 5;
const chunksPerBatch = 12;

/** Moves from one agent to another, again and again. */
export class Moves {
  readonly #from: AgentProcess;
  readonly #to: AgentProcess;
  readonly #held: readonly Held[];
  #received: string[] = [];

  private constructor(from: AgentProcess, to: AgentProcess, held: readonly Held[]) {
    this.#from = from;
    this.#to = to;
    this.#held = held;
  }

  /** Stores `bytes` at the source. */
  static async prepare(from: AgentProcess, to: AgentProcess, bytes: number): Promise<Moves> {
    const held: Held[] = [];
    for (let stored = 0; stored < bytes; ) {
      const { bytes: content, ...rest } = randomArrival(sizes[held.length % sizes.length]!);
      await put(from, { bytes: content, ...rest });
      held.push({ ...rest, size: content.length });
      stored += content.length;
    }
    return new Moves(from, to, held);
  }

  /** Moves for so long. @returns bytes a second of copies that became durable in that time */
  async run(ms: number): Promise<number> {
    const started = performance.now();
    const rest = this.#held.values();
    let bytes = 0;
    const isOver = () => performance.now() - started > ms;
    const worker = async () => {
      for (let batch = rest.take(chunksPerBatch).toArray(); batch.length > 0 && !isOver(); ) {
        for await (const event of pull(this.#to, this.#requestOf(batch))) {
          if (event.event === 'failed') throw new Error(`${event.reason}: ${event.message}`);
          if (event.event === 'received') {
            this.#received.push(event.receipt.chunk);
            if (!isOver()) bytes += event.receipt.size;
          }
          if (isOver()) break;
        }
        batch = rest.take(chunksPerBatch).toArray();
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, worker));
    return bytes / (Math.min(ms, performance.now() - started) / 1_000);
  }

  /** The destination forgets what it received. */
  async undo(): Promise<void> {
    const received = this.#received;
    this.#received = [];
    for (let at = 0; at < received.length; at += 500) {
      const some = received.slice(at, at + 500).map((chunk) => ({ chunk, version: 1 }));
      await removals(this.#to, { removals: some });
    }
  }

  #requestOf(batch: readonly Held[]) {
    const { node, address } = this.#from;
    const chunks = batch.map((each) => ({
      ...each,
      reads: [capability(node, 'read', each.chunk)],
    }));
    return { sources: [{ node, address }], chunks, rate: 10e9 };
  }
}
