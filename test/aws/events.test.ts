import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { parseSettings } from '../../lib/aws/config.ts';
import { EventBridge } from '../../lib/aws/events.ts';
import type { FleetEvent } from '../../lib/contract/events.ts';
import { TryLater } from '../../lib/control/ports.ts';
import { atOnce, awsError, environment } from './settings.ts';

const sdk = mockClient(EventBridgeClient);
const events = new EventBridge(
  sdk as unknown as EventBridgeClient,
  parseSettings(environment),
  atOnce,
);
beforeEach(() => sdk.reset());
afterAll(() => sdk.restore());

const eventOf = (id: string): FleetEvent => ({
  id,
  at: Date.UTC(2026, 0, 1),
  type: 'Zone Resumed',
  detail: { zone: 'a', reasons: ['well again'] },
});
const some = (count: number) => Array.from({ length: count }, (_, i) => eventOf(`e${i}`));
const sent = () => sdk.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries!);

test('events go ten a call to the fleet’s bus, each with its version, id and fleet', async () => {
  sdk.on(PutEventsCommand).resolves({});
  await events.tell(some(12));
  expect(sent().map((entries) => entries.length)).toEqual([10, 2]);
  const [[first]] = sent() as [[object]];
  expect(first).toEqual({
    EventBusName: 'the-bus',
    Source: 'ballast',
    DetailType: 'Zone Resumed',
    Time: new Date(Date.UTC(2026, 0, 1)),
    Detail: JSON.stringify({
      ...{ version: 1, id: 'e0', fleet: 'photos', zone: 'a', reasons: ['well again'] },
    }),
  });
});

test('only what was turned away is sent again', async () => {
  const Entries = [{ EventId: '1' }, { ErrorCode: 'InternalFailure' }, { EventId: '3' }];
  sdk
    .on(PutEventsCommand)
    .resolvesOnce({ Entries })
    .resolves({ Entries: [{ EventId: '2' }] });
  await events.tell(some(3));
  expect(sent().map((entries) => entries.map(({ Detail }) => JSON.parse(Detail!).id))).toEqual([
    ['e0', 'e1', 'e2'],
    ['e1'],
  ]);
});

test.each([
  [
    'turned away again and again',
    () => sdk.on(PutEventsCommand).resolves({ Entries: [{ ErrorCode: 'Throttled' }] }),
  ],
  ['throttled', () => sdk.on(PutEventsCommand).rejects(awsError('ThrottlingException'))],
  ['unanswered', () => sdk.on(PutEventsCommand).rejects(awsError('Odd', 500))],
])('an event that is %s is for later', async (_what, happens) => {
  happens();
  await expect(events.tell(some(1))).rejects.toThrow(TryLater);
});

test('what is not allowed is a mistake, said at once', async () => {
  sdk.on(PutEventsCommand).rejects(awsError('AccessDeniedException'));
  await expect(events.tell(some(1))).rejects.toThrow('AccessDeniedException');
  expect(sent()).toHaveLength(1);
});
