import type { Stats } from '../contract/agent.ts';
import type { ThrottlePolicy, ThrottleSample, Throttling } from '../core/throttle-control.ts';
import { throttle, throttlingStart } from '../core/throttle-control.ts';
import { rebuildsMax, settlingBytesMax, settlingMax } from './limits.ts';
import { loadUnknown } from './machine-load.ts';
import { TokenBucket } from './token-bucket.ts';
import { Turns, TurnsByBytes } from './turns.ts';

/** What migrations may use of this node: bytes a second each way, and the disk. */
export class Background {
  readonly in: TokenBucket;
  readonly out: TokenBucket;
  /** Syncs and read-backs. */
  readonly disk = new TurnsByBytes(settlingBytesMax, settlingMax);
  /** Rebuilding of shards. */
  readonly rebuilds = new Turns(rebuildsMax);
  /** Bytes a second, whatever is seen. */
  readonly rateMax: number;
  #throttling: Throttling;
  /** As last told. */
  load = loadUnknown;
  policy: ThrottlePolicy;

  constructor(rateMax: number, policy: ThrottlePolicy, now: () => number) {
    this.rateMax = rateMax;
    this.policy = policy;
    this.#throttling = throttlingStart(policy, rateMax);
    this.in = new TokenBucket(this.#throttling.rate, now);
    this.out = new TokenBucket(this.#throttling.rate, now);
  }

  /** Gives way to what is seen now, as the policy says. */
  adapt(sample: ThrottleSample): void {
    this.load = sample.load;
    this.#throttling = throttle(this.#throttling, sample, this.policy, this.rateMax);
    this.in.rate = this.#throttling.rate;
    this.out.rate = this.#throttling.rate;
  }

  get told(): Pick<
    Stats,
    'throttle' | 'throttleReason' | 'backgroundRate' | 'backgroundFactor' | 'objectiveMs'
  > {
    const { rate, reason, objectiveMs } = this.#throttling;
    return {
      throttle: this.policy.throttle,
      throttleReason: reason,
      backgroundRate: Math.round(rate),
      backgroundFactor: this.rateMax > 0 ? rate / this.rateMax : 0,
      objectiveMs,
    };
  }
}
