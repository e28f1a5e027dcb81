import { setTimeout as pause } from 'node:timers/promises';
import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { BatchMessage, SweepMessage } from '../contract/messages.ts';
import { type Queues, TryLater } from '../control/ports.ts';
import type { NodeId } from '../core/ids.ts';
import { pieces } from '../core/pieces.ts';
import type { Urgency } from '../core/schedule.ts';
import { sentOnce } from './client-options.ts';
import type { Settings } from './config.ts';
import { backOff, persistHarmless, type Wait } from './persist.ts';

const messagesPerBatch = 10;
/** SQS keeps a message back for 15 minutes at most. */
const delaySecondsMax = 900;
/** Ids of 26 characters: far below the 256 KiB of a message. */
const nodesPerMessage = 1_000;
/** Times that SQS may turn single messages of a batch away. */
const leftoversMax = 5;

export const sqsQueues = (settings: Settings): Queues =>
  new SqsQueues(new SQSClient(sentOnce(5_000)), settings);

/** Sent twice is harmless: every message is a hint. @throws TryLater */
export class SqsQueues implements Queues {
  readonly #client: SQSClient;
  readonly #urls: Pick<Settings, 'queues' | 'sweepQueue'>;
  readonly #wait: Wait;

  constructor(
    client: SQSClient,
    urls: Pick<Settings, 'queues' | 'sweepQueue'>,
    wait: Wait = pause,
  ) {
    this.#client = client;
    this.#urls = urls;
    this.#wait = wait;
  }

  async send(urgency: Urgency, messages: readonly BatchMessage[]): Promise<void> {
    for (const some of pieces(messages, messagesPerBatch)) {
      await this.#sendBatch(this.#urls.queues[urgency], some);
    }
  }

  async #sendBatch(QueueUrl: string, messages: readonly BatchMessage[]): Promise<void> {
    let left = messages.map((message, i) => ({
      Id: String(i),
      MessageBody: JSON.stringify(message),
    }));
    for (let tried = 1; ; tried++) {
      const Entries = left;
      const { Failed = [] } = await persistHarmless(
        () => this.#client.send(new SendMessageBatchCommand({ QueueUrl, Entries })),
        this.#wait,
      );
      left = left.filter(({ Id }) => Failed.some((failed) => failed.Id === Id));
      if (left.length === 0) return;
      const { Code, Message } = Failed[0]!;
      const why = `${left.length} messages turned away: ${Code}: ${Message}`;
      if (Failed.some(({ SenderFault }) => SenderFault)) throw new Error(why);
      if (tried === leftoversMax) throw new TryLater(why);
      await backOff(tried, this.#wait);
    }
  }

  async sweep(nodes: readonly NodeId[], delayMs: number): Promise<void> {
    const DelaySeconds = Math.min(delaySecondsMax, Math.ceil(delayMs / 1_000));
    const messages = nodes.length === 0 ? [[]] : pieces(nodes, nodesPerMessage);
    for (const some of messages) {
      const body: SweepMessage = { nodes: [...some] };
      const input = {
        QueueUrl: this.#urls.sweepQueue,
        MessageBody: JSON.stringify(body),
        DelaySeconds,
      };
      await persistHarmless(() => this.#client.send(new SendMessageCommand(input)), this.#wait);
    }
  }
}
