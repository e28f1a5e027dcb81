import { createHash } from 'node:crypto';
import type { PullRequest, RebuildRequest } from '../contract/agent.ts';
import { rebuildFactors } from '../core/erasure-code.ts';
import { addScaled } from '../core/galois.ts';
import { stripeBytes } from './limits.ts';
import { SourceFailed } from './source.ts';

type Wanted = Pick<PullRequest['chunks'][number], 'slot' | 'size'>;
type Shard = RebuildRequest['shards'][number];

/**
 * The bytes of one slot, made of k other slots as their bytes come, a stripe at a time; each piece is good
 * until the next is asked for. At the end every
 * source's checksum is compared, so that a wrong one is known by its place in `shards`.
 *
 * @throws SourceFailed with `at`, what `open` throws
 */
export async function* rebuiltPieces(
  code: Pick<RebuildRequest, 'data' | 'parity'>,
  { slot, size }: Wanted,
  shards: readonly Shard[],
  open: (shard: Shard) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const factors = rebuildFactors(
    code,
    slot,
    shards.map((shard) => shard.slot),
  );
  const sum = new Uint8Array(Math.min(stripeBytes, size));
  const readers = shards.map((shard, at) => new ShardReader(shard, at, open(shard)));
  try {
    for (let at = 0; at < size; at += stripeBytes) {
      const length = Math.min(stripeBytes, size - at);
      const stripes = await allSettled(readers.map((reader) => reader.take(length)));
      const piece = sum.subarray(0, length).fill(0);
      for (const [i, stripe] of stripes.entries()) addScaled(piece, stripe, factors[i]!);
      yield piece;
    }
    for (const reader of readers) reader.mustBeRight();
  } finally {
    await Promise.allSettled(readers.map((reader) => reader.close()));
  }
}

/** No reading goes on behind the caller's back. */
async function allSettled<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** One source, read in stripes that all sources share. */
class ShardReader {
  readonly #shard: Shard;
  readonly #at: number;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  readonly #stripe = new Uint8Array(stripeBytes);
  #rest = new Uint8Array(0);

  constructor(shard: Shard, at: number, pieces: AsyncIterable<Uint8Array>) {
    this.#shard = shard;
    this.#at = at;
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next `length` bytes: good until the next call. */
  async take(length: number): Promise<Uint8Array> {
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, length - filled);
      this.#stripe.set(part, filled);
      this.#rest = this.#rest.subarray(part.length);
      filled += part.length;
    }
    const stripe = this.#stripe.subarray(0, length);
    this.#hash.update(stripe);
    return stripe;
  }

  mustBeRight(): void {
    const found = this.#hash.digest('hex');
    const { slot, sha256 } = this.#shard;
    if (found !== sha256) throw this.#failed('checksum', `slot ${slot} has checksum ${found}`);
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #next(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const next = await this.#pieces.next();
      if (next.done !== true) return next.value as Uint8Array<ArrayBuffer>;
    } catch (error) {
      if (!(error instanceof SourceFailed)) throw error;
      throw this.#failed(error.reason, error.message);
    }
    throw this.#failed('checksum', `slot ${this.#shard.slot} ended early`);
  }

  #failed(reason: SourceFailed['reason'], message: string): SourceFailed {
    return new SourceFailed(reason, message, { at: this.#at });
  }
}
