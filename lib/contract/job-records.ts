import * as z from 'zod/mini';
import { nodeClasses } from '../core/fleet.ts';
import { urgencies } from '../core/schedule.ts';
import { fixedSchedulings } from '../core/scheduling-policies.ts';

/** What the tables' items hold of jobs, their plans' batches, and what is sent and flies (`records.ts`: the rest). */

const count = z.number().check(z.nonnegative());
const text = z.string();

export const jobStates = ['running', 'blocked', 'done', 'failed', 'cancelled'] as const;
export const JobRecord = z.object({
  kind: z.enum(['drain', 'rebalance', 'repair', 'scale-out', 'scale-in']),
  state: z.enum(jobStates),
  /** Nodes that leave, were lost, or were launched. */
  nodes: z.array(text),
  /** Scale-out: nodes to launch, by zone, and what they may hold. */
  launch: z.record(text, count),
  launchClass: z._default(z.enum(nodeClasses), 'mixed'),
  /** Repair: slots that do not have their bytes, each with the holder and the placement's version as it was found. */
  damaged: z._default(
    z.array(z.object({ chunk: text, slot: count, node: text, version: z._default(count, 0) })),
    [],
  ),
  /** Scale-out: the nodes' type; empty for what the launch template has. */
  launchType: z._default(text, ''),
  /** Rises with each plan of this job; `attempt` names the plan's batches (empty before the first). */
  generation: count,
  attempt: text,
  /** What it does now, in words for people, e.g. `moving`, `grace period`. */
  phase: text,
  /** Why it was asked for, and what it waits for, each with its numbers. */
  reasons: z.array(text),
  movesPlanned: count,
  bytesPlanned: count,
  bytesMinimum: count,
  movesDone: count,
  bytesDone: count,
  movesRetried: count,
  /** Moves that were still to do when the job ended. */
  movesFailed: count,
  /** Moves that an operator gave up. */
  movesCancelled: z._default(count, 0),
  /** Epoch milliseconds by which it shall be done; 0 when it has none. */
  deadline: z._default(count, 0),
  /** 1 to 10, the higher the sooner. */
  priority: z._default(count, 5),
  /** Nothing more of it is sent; what is in flight ends. */
  paused: z._default(z.boolean(), false),
  /** Epoch milliseconds; 0 while it is not paused. */
  pausedAt: z._default(count, 0),
  /** Its nodes' machines will be taken away: what can move moves, whatever stands against the rest. */
  mustLeave: z._default(z.boolean(), false),
  /** Drain: milliseconds that its moves were expected to take when it was admitted: P50 and P90. */
  estimateP50Ms: z._default(count, 0),
  estimateP90Ms: z._default(count, 0),
  /** Of its first plan: milliseconds at best; then when its moves began and ended. Estimates learn from them. */
  moveBoundMs: z._default(count, 0),
  movingSince: z._default(count, 0),
  movedAt: z._default(count, 0),
  /** Drain: what it moved shall be named where it was again, wherever the parked copy is still there. */
  undo: z._default(z.boolean(), false),
  /** What its undoing gave back so far, without moving a byte. */
  movesRestored: z._default(count, 0),
  bytesRestored: z._default(count, 0),
  startedAt: count,
  /** 0 while it runs. */
  endedAt: count,
  lastOp: text,
});
export type JobRecord = z.infer<typeof JobRecord>;

export const MoveRecord = z.object({ chunk: text, slot: count, bytes: count });
export type MoveRecord = z.infer<typeof MoveRecord>;
export const MovesRecord = z.object({ moves: z.array(MoveRecord) });
export type MovesRecord = z.infer<typeof MovesRecord>;

/** What the pacer needs of a batch that waits to be sent. */
export const PendingRecord = z.object({
  urgency: z.enum(urgencies),
  from: text,
  to: text,
  bytes: count,
  moves: count,
  /** Epoch milliseconds. */
  plannedAt: z._default(count, 0),
  /** Accesses an hour of its chunks, summed, when it was planned; 0 where no rule asked for it. */
  heat: z._default(count, 0),
  /** It is not sent until it is resumed. */
  paused: z._default(z.boolean(), false),
  /** It is sent once all batches of its plan in earlier rounds have ended: they move slots of the same chunks. */
  round: z._default(count, 0),
});
export type PendingRecord = z.infer<typeof PendingRecord>;

export const BatchRecord = z.object({
  urgency: z.enum(urgencies),
  from: text,
  to: text,
  bytes: count,
  state: z.enum(['planned', 'ended']),
  movesDone: count,
  bytesDone: count,
  /** Tries that failed: their slots are planned again. */
  movesRetried: count,
  /** Why, the first few. */
  failures: z.array(text),
  /** Indices of moves that were cancelled before the batch was sent. */
  cancelled: z._default(z.array(count), []),
  /** Moves given up by a cancel, those included. */
  movesCancelled: z._default(count, 0),
  /** Moves that nobody wanted any more: their chunk was removed, or has left its source in another way. */
  movesVoid: z._default(count, 0),
  /** Epoch milliseconds; 0 before. */
  startedAt: z._default(count, 0),
  endedAt: z._default(count, 0),
});
export type BatchRecord = z.infer<typeof BatchRecord>;

export const FlightRecord = z.object({
  job: text,
  urgency: z.enum(urgencies),
  from: text,
  to: text,
  bytes: count,
  moves: count,
  /** Bytes a second reserved at both ends. */
  rate: count,
  /** Fencing token: rises when the batch is sent again. */
  token: count,
  /** Epoch milliseconds of the last sign of life; a flight that is silent for long is sent again. */
  aliveAt: count,
  movesDone: count,
  bytesDone: count,
  /** Epoch milliseconds of the last commit of moves of it; 0 before the first. */
  committedAt: z._default(count, 0),
  /** Epoch milliseconds: when it was planned, and first sent. */
  plannedAt: z._default(count, 0),
  startedAt: z._default(count, 0),
  /** When it was sent: its job's deadline (0: none), its score, and the rule that chose it. */
  deadline: z._default(count, 0),
  importance: z._default(count, 0),
  scheduling: z._default(z.enum(fixedSchedulings), 'balanced'),
  /** Its round in its plan. */
  round: z._default(count, 0),
  lastOp: text,
});
export type FlightRecord = z.infer<typeof FlightRecord>;

/** One pacing at a time wins: each writes under the generation that it read. */
export const PaceRecord = z.object({
  generation: count,
  /** By running job: epoch milliseconds of the last start of a batch of it. */
  lastStarts: z._default(z.record(text, count), {}),
  /** By running job of which batches wait: whole seconds that these take at least, and their first round. */
  waiting: z._default(z.record(text, z.object({ seconds: count, round: count })), {}),
  /** What `adaptive` has chosen, when (epoch milliseconds), how often it has decided, and why. */
  adapting: z._default(
    z.object({
      scheduling: z.enum(fixedSchedulings),
      decidedAt: count,
      decisions: count,
      reason: text,
    }),
    { scheduling: 'balanced', decidedAt: 0, decisions: 0, reason: 'nothing was measured yet' },
  ),
});
export type PaceRecord = z.infer<typeof PaceRecord>;

/** How a batch fared, for `adaptive`: the newest hundred count. Moments are epoch milliseconds. */
export const OutcomeRecord = z.object({
  scheduling: z.enum(fixedSchedulings),
  from: text,
  to: text,
  /** Copied and committed. */
  bytes: count,
  importance: count,
  /** 0: it had none. */
  deadline: count,
  plannedAt: count,
  startedAt: count,
  endedAt: count,
});
export type OutcomeRecord = z.infer<typeof OutcomeRecord>;

/** Nothing that it covers is sent while it is there. */
export const HoldRecord = z.object({
  reason: text,
  since: count,
  /** Epoch milliseconds at which the watch lifts it; 0: whoever set it does. */
  until: z._default(count, 0),
});
export type HoldRecord = z.infer<typeof HoldRecord>;
