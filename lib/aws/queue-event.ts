import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import type { Ports } from '../control/ports.ts';

/**
 * Works on the records of one delivery side by side, each with its body as JSON. The queue keeps
 * those that failed, and only those: in the end they lie in its dead-letter queue.
 */
export function eachRecord(
  event: SQSEvent,
  log: Ports['log'],
  work: (body: unknown) => Promise<unknown>,
): Promise<SQSBatchResponse> {
  const workAndTell = async ({ messageId, body, eventSourceARN }: SQSRecord): Promise<void> => {
    try {
      await work(JSON.parse(body));
    } catch (error) {
      log('record-failed', { message: messageId, queue: eventSourceARN, reason: String(error) });
      throw error;
    }
  };
  const processor = new BatchProcessor(EventType.SQS);
  return processPartialResponse(event, workAndTell, processor, { throwOnFullBatchFailure: false });
}

const QueueEvent = z.object({
  Records: z.array(z.looseObject({ eventSource: z.literal('aws:sqs') })),
});

export const isQueueEvent = (event: unknown): event is SQSEvent =>
  QueueEvent.safeParse(event).success;

/** The bodies of one delivery that `parse` takes, and the answer that gives the others back to the queue. */
export function readBodies<Body>(
  event: SQSEvent,
  log: Ports['log'],
  parse: (body: unknown) => Body,
): { readonly bodies: readonly Body[]; readonly response: SQSBatchResponse } {
  const bodies: Body[] = [];
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { messageId, body, eventSourceARN } of event.Records) {
    try {
      bodies.push(parse(JSON.parse(body)));
    } catch (error) {
      log('record-failed', { message: messageId, queue: eventSourceARN, reason: String(error) });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { bodies, response: { batchItemFailures } };
}
