import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { nodePolicyKey } from '../contract/keys.ts';
import { NodePolicy } from '../contract/policy.ts';
import { Attempts } from './attempts.ts';
import { clientOptions } from './heartbeat.ts';
import type { Log } from './log.ts';

export interface ToldPolicySettings {
  readonly table: string;
  readonly told: (wish: NodePolicy) => void;
  readonly log: Log;
}

/** What an operator sets is in force within five seconds: the reading, its answer, and a controller's step. */
const everyMs = 2_000;

/**
 * Asks again and again what this fleet wants of its nodes. It is one item of the table of heartbeats, so that a node
 * needs no right to read the placement, and a node that starts has it before its first pull. While nobody
 * answers, or the answer makes no sense, what was told last goes on.
 */
export class ToldPolicy {
  readonly #settings: ToldPolicySettings;
  readonly #tables = new DynamoDBClient(clientOptions);
  readonly #attempts: Attempts;
  #timer: NodeJS.Timeout | undefined;
  #state: 'asking' | 'stopped' = 'asking';

  constructor(settings: ToldPolicySettings) {
    this.#settings = settings;
    this.#attempts = new Attempts((event, detail) => {
      if (this.#state === 'asking') settings.log(event, detail);
    });
  }

  /** Asks until it is stopped. */
  async run(): Promise<void> {
    await this.#attempts.run('told-policy', () => this.#ask());
    if (this.#state === 'asking') this.#timer = setTimeout(() => void this.run(), everyMs);
  }

  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    this.#tables.destroy();
  }

  async #ask(): Promise<void> {
    const { pk, sk } = nodePolicyKey;
    const Key = { pk: { S: pk }, sk: { S: sk } };
    const { Item } = await this.#tables.send(
      new GetItemCommand({ TableName: this.#settings.table, Key }),
    );
    if (Item !== undefined) this.#settings.told(NodePolicy.parse(unmarshall(Item)));
  }
}
