import { z } from 'zod/mini';
import type { EventBus } from './event-bus.ts';
import { parseInput } from './parse-input.ts';
import { accountId } from './principals.ts';
import { AwsError } from './refusal.ts';
import { type Backend, jsonService, queryForm, queryService } from './wire.ts';

const Put = z.object({
  Entries: z
    .array(
      z.object({
        Source: z.string(),
        DetailType: z.string(),
        Detail: z.string(),
        EventBusName: z.optional(z.string()),
        Resources: z.optional(z.array(z.string())),
        Time: z.optional(z.number()),
      }),
    )
    .check(z.maxLength(10)),
});

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** EventBridge's PutEvents. */
export const eventsBackend = (bus: EventBus): Backend =>
  jsonService({
    PutEvents: (input) => {
      const Entries = parseInput(Put, input).Entries.map((entry) => {
        if (!isJson(entry.Detail))
          return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
        const { id: EventId } = bus.put({
          source: entry.Source,
          'detail-type': entry.DetailType,
          detail: JSON.parse(entry.Detail),
          resources: entry.Resources ?? [],
          ...(entry.EventBusName ? { bus: entry.EventBusName.split('/').at(-1) ?? '' } : {}),
          ...(entry.Time ? { time: new Date(entry.Time * 1000).toISOString() } : {}),
        });
        return { EventId };
      });
      const FailedEntryCount = Entries.filter((entry) => 'ErrorCode' in entry).length;
      return { FailedEntryCount, Entries };
    },
  });

/** STS's GetCallerIdentity: the principal that the access key id stands for. */
export const stsBackend: Backend = queryService(queryForm, {
  GetCallerIdentity: (_form, { principal }) => ({
    Arn: `arn:aws:iam::${accountId}:user/${principal}`,
    UserId: principal,
    Account: accountId,
  }),
});

/** SNS's Publish, recorded only: nobody subscribes locally. */
export const snsBackend = (record: (topic: string, subject: string) => void): Backend =>
  queryService(queryForm, {
    Publish: (form) => {
      const topic = form.get('TopicArn');
      if (topic === null) throw new AwsError('InvalidParameter', 'TopicArn is needed.');
      record(topic, form.get('Subject') ?? '');
      return { MessageId: crypto.randomUUID() };
    },
  });
