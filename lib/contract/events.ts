import * as z from 'zod/mini';
import { nodeStates } from '../core/lifecycle.ts';

/**
 * What Ballast tells the world on EventBridge, on the fleet's own bus. Each event comes at least once, in
 * no order; `id` is the same each time. Fields are only ever added under one version.
 */
export const eventSource = 'ballast';
export const eventVersion = 1;

const count = z.number().check(z.nonnegative());
const text = z.string();
const kind = z.enum(['drain', 'rebalance', 'repair', 'scale-out', 'scale-in']);

const node = {
  node: text,
  zone: text,
  instance: text,
  from: z.enum(nodeStates),
  /** The job that changed it; empty if none did. */
  job: text,
};

/** By detail-type: the fields of `detail` besides those that every event has. */
export const eventDetails = {
  'Job Ended': z.object({
    job: text,
    kind,
    state: z.enum(['blocked', 'done', 'failed', 'cancelled']),
    nodes: z.array(text),
    movesPlanned: count,
    movesDone: count,
    movesFailed: count,
    bytesDone: count,
    startedAt: count,
    /** Epoch milliseconds; 0 when it had none. */
    deadline: count,
    reasons: z.array(text),
  }),
  'Job Blocked': z.object({ job: text, kind, nodes: z.array(text), reasons: z.array(text) }),
  'Moves Failed': z.object({
    job: text,
    batch: text,
    from: text,
    to: text,
    moves: count,
    movesDone: count,
    /** Tries that failed; their slots are planned again. */
    movesFailed: count,
    /** Why, the first few. */
    failures: z.array(text),
  }),
  'Node Joined': z.object(node),
  'Node Draining': z.object(node),
  'Node Returned': z.object(node),
  'Node Drained': z.object(node),
  'Node Dead': z.object(node),
  'Node Gone': z.object(node),
  'Scaling Decided': z.object({
    decision: z.enum(['scale-out', 'scale-in']),
    job: text,
    reasons: z.array(text),
  }),
  'Machine Leaving': z.object({
    job: text,
    nodes: z.array(text),
    /** Epoch milliseconds by which the drain shall be done. */
    deadline: count,
    priority: count,
    reasons: z.array(text),
  }),
  'Zone Paused': z.object({ zone: text, until: count, reasons: z.array(text) }),
  'Zone Resumed': z.object({ zone: text, reasons: z.array(text) }),
} as const;

export type EventType = keyof typeof eventDetails;
export const eventTypes = Object.keys(eventDetails) as readonly EventType[];
export type EventDetail<Type extends EventType> = z.infer<(typeof eventDetails)[Type]>;

/** An event before anybody has heard of it. */
export type NewEvent = {
  [Type in EventType]: { readonly type: Type; readonly detail: EventDetail<Type> };
}[EventType];

/** An event as it is kept: `at` is the epoch millisecond of what it tells of. */
export type FleetEvent = NewEvent & { readonly id: string; readonly at: number };

const EventRecord = z.object({
  type: z.enum(eventTypes as readonly [EventType, ...EventType[]]),
  at: count,
  detail: z.unknown(),
});

/** Of the event's item in the table. @throws what is wrong with it, by field */
export function parseEvent(id: string, item: unknown): FleetEvent {
  const { type, at, detail } = EventRecord.parse(item);
  return { id, at, type, detail: eventDetails[type].parse(detail) } as FleetEvent;
}
