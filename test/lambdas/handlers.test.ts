import {
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { spotInterruptionOf, stateChangeOf, zoneShiftOf } from '../../lib/contract/notices.ts';
import { awsError, environment } from '../aws/settings.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const ec2 = mockClient(EC2Client);
type Handler = (event: unknown, context?: unknown) => Promise<unknown>;
const handlerOf = async (name: string): Promise<Handler> =>
  (await import(`../../lambdas/${name}.ts`)).handler;

beforeAll(() => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterAll(() => {
  dynamo.restore();
  ec2.restore();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
beforeEach(() => {
  dynamo.reset();
  ec2.reset();
  dynamo.on(GetCommand).resolves({});
  dynamo.on(BatchGetCommand).resolves({});
  dynamo.on(QueryCommand).resolves({ Items: [] });
  ec2.on(DescribeInstancesCommand).resolves({});
});

const context = { getRemainingTimeInMillis: () => 60_000 };
const record = (messageId: string, body: string) => ({
  messageId,
  body,
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-west-1:1:normal',
});
const failed = (...ids: readonly string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

const steps = ['admit', 'connections', 'plan', 'pace', 'prove', 'terminate', 'launch', 'join'];
describe.each(steps)('%s', (name) => {
  test('of a job that is not there is cancelled, and writes nothing', async () => {
    const handler = await handlerOf(name);
    expect(await handler({ job: 'job-1' })).toMatchObject({ verdict: 'cancelled' });
    const sent = new Set(dynamo.calls().map((call) => call.args[0].constructor.name));
    expect([...sent].filter((command) => !/Get|Query/.test(command))).toEqual([]);
  });

  test.each([[{}], [{ job: 7 }], [null]])('refuses the input %j', async (event) => {
    const handler = await handlerOf(name);
    await expect(async () => handler(event)).rejects.toThrow();
    expect(dynamo.calls()).toHaveLength(0);
  });
});

test('finish ends, and refuses an outcome that is none', async () => {
  const handler = await handlerOf('finish');
  expect(await handler({ job: 'job-1', outcome: 'failed', error: { Error: 'x' } })).toMatchObject({
    verdict: 'ended',
  });
  await expect(async () => handler({ job: 'job-1', outcome: 'odd' })).rejects.toThrow();
});

describe('migrate', () => {
  const good = JSON.stringify({ job: 'j', batch: 'b', token: 1 });

  test('keeps messages that are no batches, and takes a batch that is over as done', async () => {
    const handler = await handlerOf('migrate');
    const Records = [record('1', '{'), record('2', good), record('3', '{"job":"j"}')];
    expect(await handler({ Records }, context)).toEqual(failed('1', '3'));
  });

  test('keeps the messages whose work failed', async () => {
    dynamo.on(BatchGetCommand).rejects(awsError('AccessDeniedException'));
    const handler = await handlerOf('migrate');
    expect(await handler({ Records: [record('1', good)] }, context)).toEqual(failed('1'));
  });
});

describe('sweep', () => {
  const partitions = () =>
    dynamo
      .commandCalls(QueryCommand)
      .map((call) => call.args[0].input.ExpressionAttributeValues?.[':pk']);

  test('works on the messages of the queue, and keeps those that are none', async () => {
    const handler = await handlerOf('sweep');
    const Records = [record('1', '{"nodes":["n1"]}'), record('2', '{"nodes":"n1"}')];
    expect(await handler({ Records })).toEqual(failed('2'));
  });

  test('sweeps every node for the schedule', async () => {
    const handler = await handlerOf('sweep');
    await handler({ nodes: [] });
    expect(partitions()).toContain('F');
  });
});

test('autoscaler decides, whatever called it', async () => {
  const handler = await handlerOf('autoscaler');
  const alarmData = { alarmName: 'FillHigh', state: { value: 'ALARM', reason: 'full' } };
  for (const event of [{ source: 'aws.cloudwatch', alarmData }, {}]) {
    expect(await handler(event)).toHaveProperty('decision');
  }
});

test('node-watch looks at heartbeats and machines, and not for the machine of no node', async () => {
  const handler = await handlerOf('node-watch');
  await handler({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} });
  expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
  await handler(stateChangeOf('i-x', 'terminated'));
  expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
});

describe('urgency', () => {
  const time = '2026-01-01T00:00:00Z';

  test('takes a notice of a stranger, or of a zone elsewhere, as done, and writes nothing', async () => {
    const handler = await handlerOf('urgency');
    ec2.on(DescribeAvailabilityZonesCommand).resolves({});
    expect(await handler({ time, ...spotInterruptionOf('i-x') })).toMatchObject([
      { kind: 'ignore', why: { kind: 'unknown-instance', instance: 'i-x' } },
    ]);
    expect(await handler({ time, ...zoneShiftOf('use1-az9', 'impaired') })).toMatchObject([
      { kind: 'ignore', why: { kind: 'unknown-zone', zone: 'use1-az9' } },
    ]);
    const sent = new Set(dynamo.calls().map((call) => call.args[0].constructor.name));
    expect([...sent].filter((command) => !/Get|Query/.test(command))).toEqual([]);
  });

  test.each([[{}], [null], [{ time, 'detail-type': 'Autoshift Completed', detail: {} }]])(
    'refuses the event %j',
    async (event) => {
      const handler = await handlerOf('urgency');
      await expect(async () => handler(event)).rejects.toThrow();
    },
  );
});

test('tell has nothing to tell where nothing happened', async () => {
  expect(await (await handlerOf('tell'))({ source: 'aws.events' })).toBe(0);
});
