import type { Refusal } from './refusal.ts';
import type { SourceFailed } from './source.ts';

/** One copy to fetch into a temporary file. */
export interface FetchTask {
  readonly path: string;
  readonly node: string;
  readonly address: string;
  readonly capability: string;
  readonly chunk: string;
  readonly size: number;
  readonly sha256: string;
}

/** How it ended; only after `durable` does the file stay. */
export type FetchOutcome =
  | { readonly kind: 'durable' }
  | { readonly kind: 'abandoned' }
  | {
      readonly kind: 'source';
      readonly reason: SourceFailed['reason'];
      readonly message: string;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal['kind']; readonly message: string }
  /** What the disk answered to a write, or to a sync. */
  | {
      readonly kind: 'disk';
      readonly step: 'write' | 'sync';
      readonly code: string | undefined;
      readonly message: string;
    };

/** What the carrier is started with. */
export interface CarrierData {
  /** 0 is as every thread, 19 the least (sched(7)). */
  readonly niceness: number;
}

/** To the carrier. `go` lets pass what was asked for. */
export type ToCarrier =
  | { readonly kind: 'fetch'; readonly id: number; readonly task: FetchTask }
  | { readonly kind: 'go'; readonly id: number }
  | { readonly kind: 'abandon'; readonly id: number };

/** From the carrier. It goes on once `bytes` may pass. */
export type FromCarrier =
  | { readonly kind: 'pass'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'ended'; readonly id: number; readonly outcome: FetchOutcome };
