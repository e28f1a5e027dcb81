import { type FleetEvent, type NewEvent, parseEvent } from '../contract/events.ts';
import {
  eventOfKey,
  eventPartition,
  toldEventKey,
  toldEvents,
  waitingEventKey,
  waitingEvents,
} from '../contract/keys.ts';
import { tombstoneSeconds } from './limits.ts';
import { queryAll } from './pages.ts';
import { type Op, type Ports, type Tables, TryLater } from './ports.ts';

/**
 * The op that keeps an event until it is told: part of the transaction that makes it true, so that there
 * is no event without its cause and no cause without its event.
 *
 * @param operation of the transaction: names the event, each time that it is told
 */
export const eventOp = (operation: string, { type, detail }: NewEvent, now: number): Op => ({
  op: 'put',
  key: waitingEventKey(operation),
  fields: { type, detail, at: now, expiresAt: Math.floor(now / 1000) + tombstoneSeconds },
});

/** Events told at one go: the rest waits for the next. */
const eventsPerTelling = 500;

/**
 * Tells every event that waits. Killed before one is marked as told, the next telling tells it again. What
 * cannot be told now waits: nothing else does.
 *
 * @returns how many were told
 */
export async function tellEvents(ports: Ports): Promise<number> {
  const items = await queryAll(ports.tables, 'placement', eventPartition, waitingEvents);
  const now = items.slice(0, eventsPerTelling);
  if (now.length === 0) return 0;
  try {
    await ports.events.tell(now.map(({ sk, ...item }) => parseEvent(eventOfKey(sk), item)));
  } catch (error) {
    if (!(error instanceof TryLater)) throw error;
    ports.log('events-wait', { events: items.length, why: error.message });
    return 0;
  }
  await ports.tables.writeEach(
    now.flatMap(({ pk: _, sk, ...fields }) => [
      { op: 'put' as const, key: toldEventKey(eventOfKey(sk)), fields },
      { op: 'delete' as const, key: waitingEventKey(eventOfKey(sk)) },
    ]),
  );
  return now.length;
}

export type EventView = FleetEvent & { readonly told: boolean };

/** Every event that is remembered, oldest first. */
export async function listEvents(tables: Tables): Promise<readonly EventView[]> {
  const [waiting, told] = await Promise.all(
    [waitingEvents, toldEvents].map((prefix) =>
      queryAll(tables, 'placement', eventPartition, prefix),
    ),
  );
  const views = new Map<string, EventView>();
  for (const [items, isTold] of [
    [waiting!, false],
    [told!, true],
  ] as const) {
    for (const { sk, ...item } of items) {
      const id = eventOfKey(sk);
      views.set(id, { ...parseEvent(id, item), told: isTold });
    }
  }
  return [...views.values()].sort((left, right) => left.at - right.at);
}
