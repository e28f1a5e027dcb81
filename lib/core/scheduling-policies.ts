import type { BatchId } from './ids.ts';
import { importance } from './importance.ts';
import type { Batch } from './schedule.ts';
import type { EpochMillis } from './units.ts';
import { urgencies } from './urgency.ts';

/** Lower first, number by number. Batches that are alike go by what is left at their nodes. */
export type Order = (batch: Batch) => readonly number[];

/** Rules that order by themselves. */
export const fixedSchedulings = ['balanced', 'priority', 'deadline', 'importance'] as const;
export type FixedScheduling = (typeof fixedSchedulings)[number];
/** What may be asked for; `adaptive` chooses among the others by how they do. */
export const schedulings = [...fixedSchedulings, 'adaptive'] as const;

const never = Number.POSITIVE_INFINITY;
const priorityDefault = 5;
const msPerHour = 3_600_000;

const deadlineOf = ({ deadline }: Batch): number => deadline ?? never;
const priorityOf = ({ priority = priorityDefault }: Batch): number => priority;

export function importanceOf(batch: Batch, now: EpochMillis): number {
  const { deadline, heat = 0, bytes } = batch;
  const hoursLeft = deadline === undefined ? undefined : (deadline - now) / msPerHour;
  return importance({ priority: priorityOf(batch), heat, bytes, hoursLeft });
}

const urgencyOf = ({ urgency }: Batch): number => urgencies.indexOf(urgency);
/** Repairs are a class of their own under every policy. */
const critical = ({ urgency }: Batch): number => (urgency === 'critical' ? 0 : 1);

const orders: Readonly<Record<FixedScheduling, (batch: Batch, now: EpochMillis) => number[]>> = {
  /** Urgency, then the earlier deadline, then what shortens the whole the most. */
  balanced: (batch) => [urgencyOf(batch), deadlineOf(batch)],
  priority: (batch) => [critical(batch), -priorityOf(batch), urgencyOf(batch)],
  deadline: (batch) => [critical(batch), deadlineOf(batch), urgencyOf(batch)],
  importance: (batch, now) => [critical(batch), -importanceOf(batch, now), urgencyOf(batch)],
};

export const orderOf =
  (scheduling: FixedScheduling, now: EpochMillis): Order =>
  (batch) =>
    orders[scheduling](batch, now);

const turn = -1;

/** These go before all others, and room is kept for them. */
export const withTurns =
  (order: Order, turns: ReadonlySet<BatchId>): Order =>
  (batch) =>
    turns.has(batch.id) ? [turn] : order(batch);

export const isTurn = (order: readonly number[]): boolean => order[0] === turn;
