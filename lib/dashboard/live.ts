import type { Overview } from '../cli/look/overview.ts';
import type { Policy } from '../contract/policy.ts';

/** What the page is sent, one JSON document a line. */

/** A point of the charts: bytes a second over the fleet. */
export interface Sample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly moves: number;
  readonly clientsIn: number;
  readonly clientsOut: number;
  readonly p99Ms: number | null;
}

/** First of all: what does not change, and what was seen while some page was open. */
export interface Hello {
  readonly kind: 'hello';
  readonly fleet: string;
  readonly history: readonly Sample[];
}

export interface Reading extends Overview {
  readonly kind: 'reading';
  readonly at: number;
  readonly policy: Policy;
  readonly sample: Sample;
}

/** The store could not be read; it is tried again. */
export interface ReadFailed {
  readonly kind: 'failed';
  readonly at: number;
  readonly sentence: string;
}

export type LiveEvent = Hello | Reading | ReadFailed;
