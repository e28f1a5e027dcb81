import * as z from 'zod/mini';
import { jobStates } from './job-records.ts';

/** In the queue of its urgency: a hint to run a batch. The truth is read again. */
export const BatchMessage = z.object({ job: z.string(), batch: z.string(), token: z.number() });
export type BatchMessage = z.infer<typeof BatchMessage>;

/** In the sweep queue: a hint that these nodes' outboxes have rows whose parking ends. */
export const SweepMessage = z.object({ nodes: z.array(z.string()) });
export type SweepMessage = z.infer<typeof SweepMessage>;

/** Input of every state machine, and of every step: the job item is the truth. */
export const JobInput = z.object({ job: z.string() });
export type JobInput = z.infer<typeof JobInput>;

/** Input of the last step: how it ended. */
export const FinishInput = z.object({
  job: z.string(),
  outcome: z.enum(jobStates),
  error: z.optional(z.unknown()),
});
export type FinishInput = z.infer<typeof FinishInput>;

/** What every step answers: which branch to take, and how long to wait before it (whole seconds). */
export interface StepResult<Verdict extends string> {
  readonly verdict: Verdict;
  readonly waitSeconds: number;
}

/** Verdicts by step: the branches of the state machines. */
export interface Verdicts {
  /** Drain: may it start? On `go` the nodes are cordoned and the wait is the grace period. */
  readonly admit: 'go' | 'blocked' | 'cancelled';
  /** Drain: `busy` loops after the wait; the limit is the policy's. */
  readonly connections: 'idle' | 'busy' | 'cancelled';
  /** `moves`: pace them; `none`: nothing is left; `blocked`: try again after the wait. */
  readonly plan: 'moves' | 'none' | 'blocked' | 'cancelled';
  /** `pending` loops after the wait; `settled`: plan again. */
  readonly pace: 'pending' | 'settled' | 'cancelled';
  /** Drain: `proved` (or released nodes that died); `held`: something is left, plan again. */
  readonly prove: 'proved' | 'held' | 'cancelled';
  /** Drain: `waiting` loops until EC2 says that the instance is gone. */
  readonly terminate: 'gone' | 'waiting' | 'cancelled';
  /** Scale-out. */
  readonly launch: 'launched' | 'cancelled';
  /** Scale-out: `waiting` loops until joined or the limit. */
  readonly join: 'joined' | 'waiting' | 'failed' | 'cancelled';
  readonly finish: 'ended';
}
export type StepName = keyof Verdicts;
