import { setMaxListeners } from 'node:events';
import type { PullEvent, PullRequest, RebuildRequest, Receipt } from '../contract/agent.ts';
import { lanesPerPull, pullBytesAtOnceMax } from './limits.ts';
import { rebuiltPieces } from './rebuild.ts';
import { Refusal, type RefusalKind } from './refusal.ts';
import { piecesOf, SourceFailed } from './source.ts';
import type { StorageNode } from './storage-node.ts';
import { TokenBucket } from './token-bucket.ts';
import { TurnsByBytes } from './turns.ts';

type Wanted = PullRequest['chunks'][number];
type Reason = Extract<PullEvent, { event: 'failed' }>['reason'];

export interface PullWatch {
  /** Chunks as they are received or have failed. */
  readonly told: (event: PullEvent) => void;
  readonly carried: (bytes: number) => void;
  /** Abandons the pull: nothing of what had not been received is left. */
  readonly signal: AbortSignal;
}

/**
 * Copies chunks from other nodes or rebuilds shards of them, several at once, at the request's rate within the node's own. Each is
 * durable, was read back from the disk and compared before it gets its name and is told as received.
 *
 * @throws the signal's reason once it is abandoned
 */
export async function pull(
  node: StorageNode,
  request: PullRequest,
  watch: PullWatch,
): Promise<void> {
  // Each lane waits for a bucket and a source under the one signal.
  setMaxListeners(0, watch.signal);
  const copying = new Copying(node, request, watch);
  const rest = request.chunks[Symbol.iterator]();
  const lane = async () => {
    for (const chunk of rest) watch.told(await copying.obtain(chunk));
  };
  await allSettled(Array.from({ length: lanesPerPull }, lane));
}

/** Nothing runs on behind the caller's back. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

interface Source {
  readonly node: string;
  readonly address: string;
  readonly capability: string;
}

class Copying {
  readonly #node: StorageNode;
  readonly #request: PullRequest;
  readonly #watch: PullWatch;
  readonly #rate: TokenBucket;
  readonly #transfers = new TurnsByBytes(pullBytesAtOnceMax, lanesPerPull);

  constructor(node: StorageNode, request: PullRequest, watch: PullWatch) {
    this.#node = node;
    this.#request = request;
    this.#watch = watch;
    this.#rate = new TokenBucket(request.rate, node.now);
  }

  /** Copies or rebuilds, as was asked for; where that fails the other way. */
  async obtain(wanted: Wanted): Promise<PullEvent> {
    const { chunk, rebuild } = wanted;
    const rebuilding = rebuild === undefined ? [] : [() => this.#rebuild(wanted, rebuild)];
    const copying = this.#sourcesOf(wanted).map((source) => () => this.#copyFrom(source, wanted));
    const ways =
      rebuild?.when === 'first' ? [...rebuilding, ...copying] : [...copying, ...rebuilding];
    let failure = new SourceFailed('source-lacks-it', 'no source holds it');
    for (const way of ways) {
      try {
        return { event: 'received', receipt: await way() };
      } catch (error) {
        this.#watch.signal.throwIfAborted();
        if (!(error instanceof SourceFailed)) return failed(chunk, error);
        failure = graver(failure, error);
      }
    }
    return { event: 'failed', chunk, reason: failure.reason, message: failure.message };
  }

  #sourcesOf({ reads }: Wanted): Source[] {
    return this.#request.sources.flatMap((source, i) => {
      const capability = reads[i];
      return typeof capability === 'string' ? [{ ...source, capability }] : [];
    });
  }

  #copyFrom(source: Source, wanted: Wanted): Promise<Receipt> {
    return this.#receive(wanted, this.#piecesOf(source, wanted), source.node);
  }

  /** From k shards; a source that fails or has other bytes makes place for the next. */
  #rebuild(wanted: Wanted, { shards, ...code }: RebuildRequest): Promise<Receipt> {
    return this.#node.background.rebuilds.run(async () => {
      let left = shards;
      let failure = new SourceFailed('source-lacks-it', `fewer than ${code.data} shards are there`);
      while (left.length >= code.data) {
        const chosen = left.slice(0, code.data);
        try {
          const pieces = rebuiltPieces(code, wanted, chosen, (shard) =>
            this.#piecesOf(
              { ...this.#request.sources[shard.source]!, capability: shard.read },
              wanted,
            ),
          );
          return await this.#receive(wanted, pieces, 'the rebuilt shard');
        } catch (error) {
          this.#watch.signal.throwIfAborted();
          if (!(error instanceof SourceFailed) || error.at === undefined) throw error;
          failure = graver(failure, error);
          left = left.filter((shard) => shard !== chosen[error.at!]);
        }
      }
      throw failure;
    });
  }

  async #receive(
    wanted: Wanted,
    pieces: AsyncIterable<Uint8Array>,
    giver: string,
  ): Promise<Receipt> {
    const { chunk, slot, size, sha256, epoch } = wanted;
    const { disk } = this.#node.background;
    const incoming = this.#node.store.receive({ chunk, slot, size, sha256, epoch });
    try {
      await this.#transfers.run(size, async () => {
        // A held pull opens no connection that would only grow old.
        await this.#pass(0);
        for await (const piece of pieces) await incoming.writeThrough(piece);
      });
      return await disk.run(size, async () => {
        this.#watch.signal.throwIfAborted();
        await incoming.settle();
        await incoming.readBack();
        return await incoming.publish();
      });
    } catch (error) {
      throw isOther(error) ? new SourceFailed('checksum', `${giver}: ${error.message}`) : error;
    } finally {
      await incoming.end();
    }
  }

  async *#piecesOf(source: Source, { chunk, size }: Wanted): AsyncGenerator<Uint8Array> {
    const { signal } = this.#watch;
    for await (const piece of piecesOf({ ...source, chunk, size, signal })) {
      await this.#pass(piece.length);
      yield piece;
    }
  }

  /** Waits for the pull's own rate, then for the node's, which is never kept waiting for a slow pull. */
  async #pass(bytes: number): Promise<void> {
    const { signal, carried } = this.#watch;
    await this.#rate.take(bytes, signal);
    await this.#node.background.in.take(bytes, signal);
    this.#node.traffic.carried('backgroundIn', bytes);
    carried(bytes);
  }
}

/** The bytes were not those that the placement names: another source may have them. */
const isOther = (error: unknown): error is Refusal =>
  error instanceof Refusal && error.kind === 'checksum';

/** What says most about a chunk that no source gave: wrong bytes before silence before absence. */
const gravity = ['source-lacks-it', 'source-unreachable', 'checksum'] as const;
const graver = (left: SourceFailed, right: SourceFailed): SourceFailed =>
  gravity.indexOf(right.reason) >= gravity.indexOf(left.reason) ? right : left;

const reasons: Partial<Record<RefusalKind, Reason>> = {
  full: 'full',
  'below-fence': 'below-fence',
  stopping: 'stopping',
};

function failed(chunk: string, error: unknown): PullEvent {
  const reason = error instanceof Refusal ? reasons[error.kind] : undefined;
  return { event: 'failed', chunk, reason: reason ?? 'disk', message: (error as Error).message };
}
