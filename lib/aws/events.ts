import { setTimeout as pause } from 'node:timers/promises';
import {
  EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { eventSource, eventVersion, type FleetEvent } from '../contract/events.ts';
import { type Events, TryLater } from '../control/ports.ts';
import { pieces } from '../core/pieces.ts';
import { sentOnce } from './client-options.ts';
import type { Settings } from './config.ts';
import { backOff, persistHarmless, type Wait } from './persist.ts';

const eventsPerCall = 10;
/** Times that EventBridge may turn single events of a call away. */
const leftoversMax = 5;

type Place = Pick<Settings, 'fleet' | 'eventBus'>;

export const eventBridge = (settings: Settings): Events =>
  new EventBridge(new EventBridgeClient(sentOnce(5_000)), settings);

/** Every event carries its version, its id, which is the same each time, and its fleet. @throws TryLater */
export class EventBridge implements Events {
  readonly #client: EventBridgeClient;
  readonly #place: Place;
  readonly #wait: Wait;

  constructor(client: EventBridgeClient, place: Place, wait: Wait = pause) {
    this.#client = client;
    this.#place = place;
    this.#wait = wait;
  }

  async tell(events: readonly FleetEvent[]): Promise<void> {
    for (const some of pieces(events, eventsPerCall)) {
      await this.#put(some.map((event) => this.#entry(event)));
    }
  }

  #entry({ id, at, type, detail }: FleetEvent): PutEventsRequestEntry {
    const { fleet, eventBus } = this.#place;
    return {
      EventBusName: eventBus,
      Source: eventSource,
      DetailType: type,
      Time: new Date(at),
      Detail: JSON.stringify({ version: eventVersion, id, fleet, ...detail }),
    };
  }

  /** The answer has an entry for each that was sent, in their order. */
  async #put(entries: readonly PutEventsRequestEntry[]): Promise<void> {
    let left = entries;
    for (let tried = 1; ; tried++) {
      const command = new PutEventsCommand({ Entries: [...left] });
      const { Entries = [] } = await persistHarmless(() => this.#client.send(command), this.#wait);
      const refused = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
      if (refused === undefined) return;
      left = left.filter((_, i) => Entries[i]?.ErrorCode !== undefined);
      const { ErrorCode, ErrorMessage } = refused;
      const why = `${left.length} events turned away: ${ErrorCode}: ${ErrorMessage}`;
      if (tried === leftoversMax) throw new TryLater(why);
      await backOff(tried, this.#wait);
    }
  }
}
