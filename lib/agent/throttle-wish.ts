import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { throttleKey } from '../contract/keys.ts';
import { ThrottleRecord } from '../contract/policy.ts';
import { Attempts } from './attempts.ts';
import { clientOptions } from './heartbeat.ts';
import type { Log } from './log.ts';

export interface ThrottleWishSettings {
  readonly table: string;
  readonly told: (wish: ThrottleRecord) => void;
  readonly log: Log;
}

/** What an operator sets is in force within five seconds: the reading, its answer, and a controller's step. */
const everyMs = 2_000;

/**
 * Asks again and again how this fleet throttles. It is one item of the table of heartbeats, so that a node
 * needs no right to read the placement, and a node that starts has it before its first pull. While nobody
 * answers, or the answer makes no sense, what was told last goes on.
 */
export class ThrottleWish {
  readonly #settings: ThrottleWishSettings;
  readonly #tables = new DynamoDBClient(clientOptions);
  readonly #attempts: Attempts;
  #timer: NodeJS.Timeout | undefined;
  #state: 'asking' | 'stopped' = 'asking';

  constructor(settings: ThrottleWishSettings) {
    this.#settings = settings;
    this.#attempts = new Attempts((event, detail) => {
      if (this.#state === 'asking') settings.log(event, detail);
    });
  }

  /** Asks until it is stopped. */
  async run(): Promise<void> {
    await this.#attempts.run('throttle-wish', () => this.#ask());
    if (this.#state === 'asking') this.#timer = setTimeout(() => void this.run(), everyMs);
  }

  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    this.#tables.destroy();
  }

  async #ask(): Promise<void> {
    const { pk, sk } = throttleKey;
    const Key = { pk: { S: pk }, sk: { S: sk } };
    const { Item } = await this.#tables.send(
      new GetItemCommand({ TableName: this.#settings.table, Key }),
    );
    if (Item !== undefined) this.#settings.told(ThrottleRecord.parse(unmarshall(Item)));
  }
}
