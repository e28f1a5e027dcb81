import { backgroundFactor, type NodeLoad, type Silence } from '../core/throttle.ts';
import { backgroundSyncsMax, rebuildsMax } from './limits.ts';
import { loadUnknown } from './machine-load.ts';
import { TokenBucket } from './token-bucket.ts';
import { Turns } from './turns.ts';

/** What migrations may use of this node: bytes a second each way, and the disk. */
export class Background {
  readonly in: TokenBucket;
  readonly out: TokenBucket;
  /** Syncs and read-backs. */
  readonly disk = new Turns(backgroundSyncsMax);
  /** Rebuilding of shards. */
  readonly rebuilds = new Turns(rebuildsMax);
  readonly #rateMax: number;
  readonly #now: () => number;
  #silentSince: number | 'never-told' = 'never-told';
  /** As last told. */
  load: NodeLoad = loadUnknown;

  constructor(rateMax: number, now: () => number) {
    this.#rateMax = rateMax;
    this.#now = now;
    this.in = new TokenBucket(rateMax, now);
    this.out = new TokenBucket(rateMax, now);
  }

  /** Gives way to the load that is told now. */
  adapt(load: NodeLoad): void {
    this.load = load;
    const rate = this.#rateMax * backgroundFactor(load, this.#silenceAfter(load));
    this.in.rate = rate;
    this.out.rate = rate;
  }

  #silenceAfter({ cpu, memory, ioWait }: NodeLoad): Silence {
    const now = this.#now();
    if (cpu !== null && memory !== null && ioWait !== null) {
      this.#silentSince = now;
      return 0;
    }
    return this.#silentSince === 'never-told' ? 'never-told' : now - this.#silentSince;
  }
}
