import { setTimeout as delay } from 'node:timers/promises';
import type { Functions } from './functions.ts';
import type { JsonCall } from './internal-client.ts';

export interface EventSourceSettings {
  readonly queueArn: string;
  readonly queueUrl: string;
  readonly functionReference: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  /** Most batches in work at once. */
  readonly concurrencyMax: number;
  readonly reportsItemFailures: 'yes' | 'no';
  readonly region: string;
}

interface Message {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly Attributes?: Record<string, string>;
  readonly MessageAttributes?: Record<string, Record<string, string>>;
}

/** SQS gives at most 10 messages a call and waits at most 20 s. */
const receiveMax = 10;
const waitSecondsMax = 20;

/**
 * Polls a queue and feeds a function, as Lambda's event source mapping does: what the function did not
 * report as failed is deleted; the rest returns to the queue when its visibility timeout ends.
 */
export class EventSource {
  readonly #settings: EventSourceSettings;
  readonly #functions: Functions;
  readonly #sqs: JsonCall;
  readonly #log: (line: string) => void;
  readonly #stop = new AbortController();
  readonly #working = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    settings: EventSourceSettings,
    functions: Functions,
    sqs: JsonCall,
    log: (line: string) => void,
  ) {
    this.#settings = settings;
    this.#functions = functions;
    this.#sqs = sqs;
    this.#log = log;
  }

  start(): void {
    this.#loop = this.#poll();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#working.size >= this.#settings.concurrencyMax) {
          await Promise.race(this.#working);
          continue;
        }
        const batch = await this.#gather();
        if (batch.length > 0) this.#work(batch);
      } catch (error) {
        if (signal.aborted) return;
        this.#log(`event source ${this.#settings.queueArn}: ${String(error)}`);
        await delay(1_000, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** The first messages that come, and with a batching window those that follow within it. */
  async #gather(): Promise<Message[]> {
    const { batchSize, windowSeconds } = this.#settings;
    const batch = await this.#receive(batchSize, waitSecondsMax);
    const end = Date.now() + windowSeconds * 1000;
    while (batch.length > 0 && batch.length < batchSize && Date.now() < end) {
      const left = Math.max(1, Math.round((end - Date.now()) / 1000));
      batch.push(...(await this.#receive(batchSize - batch.length, left)));
    }
    return batch;
  }

  async #receive(wanted: number, waitSeconds: number): Promise<Message[]> {
    const input = {
      QueueUrl: this.#settings.queueUrl,
      MaxNumberOfMessages: Math.min(wanted, receiveMax),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    };
    const { signal } = this.#stop;
    const answer = await this.#sqs('sqs', 'AmazonSQS.ReceiveMessage', input, signal);
    return (answer.Messages ?? []) as Message[];
  }

  #work(batch: Message[]): void {
    const work = this.#deliver(batch)
      .catch((error: unknown) => this.#log(`event source: ${String(error)}`))
      .finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async #deliver(batch: Message[]): Promise<void> {
    const Records = batch.map((message) => recordOf(message, this.#settings));
    const answer = await this.#functions.invoke(this.#settings.functionReference, { Records });
    if (!answer.ok || this.#stop.signal.aborted) return;
    const failed =
      this.#settings.reportsItemFailures === 'yes' ? failedIn(answer.value) : new Set<string>();
    const done = batch.filter(({ MessageId }) => !failed.has(MessageId));
    if (batch.length - done.length !== failed.size) return; // an unknown id fails the whole batch
    for (let from = 0; from < done.length; from += receiveMax)
      await this.#delete(done.slice(from, from + receiveMax));
  }

  async #delete(messages: Message[]): Promise<void> {
    await this.#sqs('sqs', 'AmazonSQS.DeleteMessageBatch', {
      QueueUrl: this.#settings.queueUrl,
      Entries: messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle })),
    });
  }
}

function failedIn(value: unknown): Set<string> {
  const failures = (value as { batchItemFailures?: { itemIdentifier: string }[] } | null)
    ?.batchItemFailures;
  return new Set((failures ?? []).map(({ itemIdentifier }) => itemIdentifier));
}

function recordOf(message: Message, { queueArn, region }: EventSourceSettings) {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    {
      dataType: value.DataType,
      stringValue: value.StringValue,
      binaryValue: value.BinaryValue,
      stringListValues: [],
      binaryListValues: [],
    },
  ]);
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}
