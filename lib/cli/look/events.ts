import { setTimeout as delay } from 'node:timers/promises';
import { type EventView, listEvents } from '../../control/events.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { table } from '../text.ts';
import { UserError } from '../user-error.ts';

/** Events that the table shows, the newest; the document has as many as are remembered. */
const eventsShownMax = 40;
const lookEveryMs = 1_000;

/** What became of jobs, nodes and zones, as EventBridge is told it. */
export const showEvents = (context: Context): Promise<Answer> =>
  withStore(context, async ({ tables }) => {
    const events = await listEvents(tables);
    return { document: { events }, text: () => eventTable(events) };
  });

/** Shows events as they come, until nobody wants to see them any more. */
export function followEvents(context: Context): Promise<Answer> {
  const { globals, io } = context;
  if (globals.json)
    throw new UserError('--follow goes on for ever and --json prints one document: choose one.');
  return withStore(context, async ({ tables }) => {
    const seen = new Set<string>();
    while (!io.interrupted.aborted) {
      const fresh = (await listEvents(tables)).filter(({ id }) => !seen.has(id));
      for (const event of fresh) {
        seen.add(event.id);
        io.out(`${lineOf(event).join('  ')}\n`);
      }
      await delay(lookEveryMs, undefined, { signal: io.interrupted }).catch(() => {});
    }
    return { document: {}, text: () => '' };
  });
}

function eventTable(events: readonly EventView[]): string {
  if (events.length === 0) return 'No events.';
  const shown = events.slice(-eventsShownMax);
  const more = events.length - shown.length;
  const rows = shown.map((event) => [...lineOf(event).slice(0, 2), told(event), about(event)]);
  return (
    table(['TIME', 'EVENT', 'TOLD', 'ABOUT'], rows) +
    (more > 0 ? `\n${more} older events: see --json.` : '')
  );
}

const told = (event: EventView): string => (event.told ? 'yes' : 'waits');

const lineOf = (event: EventView): [time: string, type: string, about: string] => [
  new Date(event.at).toISOString(),
  event.type,
  about(event),
];

/** The detail's few words; all of it is in the document. */
const about = ({ detail }: EventView): string =>
  Object.entries(detail)
    .filter(([, value]) => typeof value !== 'object' || (value as unknown[]).length > 0)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join('; ') : value}`)
    .join(' ');
