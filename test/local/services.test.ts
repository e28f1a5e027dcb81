import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListDashboardsCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  DynamoDBClient,
  GetItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeAvailabilityZonesCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stateChangeOf } from '../../lib/contract/notices.ts';
import type { LocalCloud } from '../../lib/local/cloud.ts';
import { clientOf, fixture, start, until } from './fixture.ts';

const made = fixture();
let cloud: LocalCloud;
let client: ReturnType<typeof clientOf>;
const output = (name: string): string => cloud.outputs[name] ?? '';

beforeAll(async () => {
  cloud = await start(made);
  client = clientOf(cloud);
});
afterAll(async () => {
  await cloud?.close();
  made.remove();
});

describe('storage', () => {
  test('a table of the template takes transactions with conditions', async () => {
    const dynamodb = new DynamoDBClient(client);
    const TableName = output('Table');
    const Item = { pk: { S: 'a' }, sk: { S: 'b' } };
    const Put = { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' };
    await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] }));
    const again = dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] }));
    await expect(again).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
    });
    const { Item: read } = await dynamodb.send(
      new GetItemCommand({ TableName, Key: Item, ConsistentRead: true }),
    );
    expect(read).toEqual(Item);
  });

  test('a bucket keeps bytes, and another stack imports its name', async () => {
    const s3 = new S3Client(client);
    const Bucket = output('Imported');
    const Body = Buffer.alloc(300_000, 7);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'plans/a b.json', Body }));
    const read = await s3.send(new GetObjectCommand({ Bucket, Key: 'plans/a b.json' }));
    expect(Buffer.from((await read.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
  });

  test('a secret is generated to measure', async () => {
    const secrets = new SecretsManagerClient(client);
    const SecretId = output('Secret');
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    expect(SecretString).toMatch(/^[A-Za-z0-9]{40}$/);
  });
});

describe('queues and functions', () => {
  test('a failed item of a batch returns alone, and ends among the dead letters', async () => {
    const sqs = new SQSClient(client);
    const Entries = ['good 1', 'bad', 'good 2'].map((MessageBody, i) => ({
      Id: String(i),
      MessageBody,
    }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: output('Queue'), Entries }));
    const depth = async (QueueUrl: string) => {
      const AttributeNames = ['ApproximateNumberOfMessages' as const];
      const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      return answer.Attributes?.ApproximateNumberOfMessages;
    };
    await until('dead letter', async () => (await depth(output('DeadLetters'))) === '1');
    const bodies = made
      .events('Consumer')
      .flatMap(({ Records }) => (Records as { body: string }[]).map(({ body }) => body));
    expect(bodies.filter((body) => body === 'bad')).toHaveLength(2);
    expect(bodies.filter((body) => body.startsWith('good')).sort()).toEqual(['good 1', 'good 2']);
  });

  test('a queue is found by its name', async () => {
    const QueueName = 'Test-Queue';
    const answer = await new SQSClient(client).send(new GetQueueUrlCommand({ QueueName }));
    expect(answer.QueueUrl).toBe(output('Queue'));
  });

  test('Invoke answers the value, an error, a timeout and a crash', async () => {
    const lambda = new LambdaClient(client);
    const invoke = async (event: object) => {
      const Payload = JSON.stringify(event);
      const answer = await lambda.send(
        new InvokeCommand({ FunctionName: output('Task'), Payload }),
      );
      return [answer.FunctionError, JSON.parse(answer.Payload?.transformToString() ?? '')];
    };
    const [none, { echo, left }] = await invoke({ hello: 1 });
    expect([none, echo]).toEqual([undefined, { hello: 1 }]);
    expect(left).toBeGreaterThan(500);
    expect(left).toBeLessThanOrEqual(2_000);
    expect(await invoke({ fail: 'MyError' })).toMatchObject([
      'Unhandled',
      { errorType: 'MyError' },
    ]);
    expect(await invoke({ crash: true })).toMatchObject([
      'Unhandled',
      { errorType: 'Lambda.Unknown' },
    ]);
    expect(await invoke({ sleep: 5_000 })).toMatchObject([
      'Unhandled',
      { errorMessage: 'Task timed out after 2 seconds' },
    ]);
  });
});

test('an asynchronous event is retried, then becomes a dead letter', async () => {
  const FunctionName = output('Frail');
  const Payload = JSON.stringify({ fail: 'Always' });
  const { StatusCode } = await new LambdaClient(client).send(
    new InvokeCommand({ FunctionName, Payload, InvocationType: 'Event' }),
  );
  expect(StatusCode).toBe(202);
  const { Messages } = await new SQSClient(client).send(
    new ReceiveMessageCommand({ QueueUrl: output('Buried'), WaitTimeSeconds: 10 }),
  );
  expect(Messages?.map(({ Body }) => Body)).toEqual([Payload]);
  expect(made.events('Frail')).toHaveLength(2);
});

describe('signals', () => {
  test('published metrics drive a metric-math alarm, which invokes its function as AWS does', async () => {
    const cloudwatch = new CloudWatchClient(client);
    const Dimensions = [{ Name: 'Fleet', Value: 'f' }];
    const datum = (MetricName: string, Value: number) => ({ MetricName, Value, Dimensions });
    const publish = () =>
      cloudwatch.send(
        new PutMetricDataCommand({
          Namespace: 'Test',
          MetricData: [datum('UsedBytes', 90), datum('CapacityBytes', 100)],
        }),
      );
    const state = async () => {
      await publish();
      const { MetricAlarms } = await cloudwatch.send(
        new DescribeAlarmsCommand({ AlarmNames: [output('Alarm')] }),
      );
      return MetricAlarms?.[0]?.StateValue === 'ALARM';
    };
    await until('ALARM', state);
    const [event] = await until('alarm event', () => {
      const found = made.events('OnAlarm');
      return found.length > 0 && found;
    });
    expect(event).toMatchObject({
      source: 'aws.cloudwatch',
      alarmData: { alarmName: 'Test-Fill', state: { value: 'ALARM' } },
    });
  });

  test('statistics and metric data are read back, those in logs too', async () => {
    const cloudwatch = new CloudWatchClient(client);
    const Dimensions = [{ Name: 'Fleet', Value: 'read' }];
    const Timestamp = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
    const MetricData = [{ MetricName: 'M', Values: [1, 9], Counts: [3, 1], Timestamp, Dimensions }];
    await cloudwatch.send(new PutMetricDataCommand({ Namespace: 'Test', MetricData }));
    const range = { StartTime: Timestamp, EndTime: new Date(Timestamp.getTime() + 60_000) };
    const read = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        ...range,
        Namespace: 'Test',
        MetricName: 'M',
        Dimensions,
        Period: 60,
        Statistics: ['Average', 'Maximum', 'SampleCount'],
        ExtendedStatistics: ['p50'],
      }),
    );
    expect(read.Datapoints).toMatchObject([
      { Average: 3, Maximum: 9, SampleCount: 4, ExtendedStatistics: { p50: 1 } },
    ]);
    const metric = {
      Namespace: 'Test',
      MetricName: 'Events',
      Dimensions: [{ Name: 'Fleet', Value: 'f' }],
    };
    const logged = () =>
      cloudwatch.send(
        new GetMetricDataCommand({
          StartTime: new Date(Date.now() - 120_000),
          EndTime: new Date(Date.now() + 60_000),
          MetricDataQueries: [
            { Id: 'm', ReturnData: false, MetricStat: { Metric: metric, Period: 60, Stat: 'Sum' } },
            { Id: 'e', Expression: 'm * 10' },
          ],
        }),
      );
    await until('metric in a log', async () => {
      const { MetricDataResults } = await logged();
      return (MetricDataResults?.[0]?.Values?.[0] ?? 0) >= 10;
    });
  });

  test('an event that matches reaches its function, another does not; the schedule ticks', async () => {
    const events = new EventBridgeClient(client);
    const entry = (state: string) => ({
      Source: 'test',
      DetailType: 'T',
      Detail: JSON.stringify({ state, mine: true }),
    });
    const { FailedEntryCount } = await events.send(
      new PutEventsCommand({ Entries: [entry('stay'), entry('go')] }),
    );
    expect(FailedEntryCount).toBe(0);
    const mine = () => made.events('OnEvent').filter((e) => (e.detail as { mine?: true }).mine);
    await until('event', () => mine().length > 0);
    expect(mine()).toMatchObject([{ source: 'test', detail: { state: 'go' } }]);
    await until('two ticks', () => made.events('OnTick').length >= 2);
    expect(made.events('OnTick')[0]).toEqual({ tick: true });
  });
});

describe('the endpoint', () => {
  test('it sends AWS’s own events, which nobody may put, to the rules that match', async () => {
    const body = JSON.stringify(stateChangeOf('i-mine', 'terminated'));
    const answer = await fetch(`${cloud.endpoint}/_ballast/event`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ rules: ['Test-Pattern'] });
    const got = await until('the event', () =>
      made.events('OnEvent').find(({ resources }) => (resources as string[]).includes('i-mine')),
    );
    expect(got).toMatchObject({
      ...{ source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification' },
      detail: { 'instance-id': 'i-mine', state: 'terminated' },
    });
    const other = JSON.stringify(stateChangeOf('i-mine', 'running'));
    const missed = await fetch(`${cloud.endpoint}/_ballast/event`, { method: 'POST', body: other });
    expect(await missed.json()).toMatchObject({ rules: [] });
    const bad = await fetch(`${cloud.endpoint}/_ballast/event`, { method: 'POST', body: '{}' });
    expect(bad.status).toBe(400);
  });

  test('zones have the ids under which AWS speaks of them', async () => {
    const answer = await new EC2Client(client).send(new DescribeAvailabilityZonesCommand({}));
    const names = answer.AvailabilityZones?.map(({ ZoneId, ZoneName }) => [ZoneId, ZoneName]);
    const state = await (await fetch(`${cloud.endpoint}/_ballast/state`)).json();
    const { zones } = state as { zones: { id: string; name: string }[] };
    expect(names).toEqual(zones.map(({ id, name }) => [id, name]));
    expect(names?.length).toBeGreaterThan(0);
  });

  test('refuses what it does not serve, by the action’s name', async () => {
    await expect(new EC2Client(client).send(new DescribeVpcsCommand({}))).rejects.toMatchObject({
      name: 'NotImplementedLocally',
      message: expect.stringContaining('DescribeVpcs'),
    });
    await expect(
      new CloudWatchClient(client).send(new ListDashboardsCommand({})),
    ).rejects.toMatchObject({ message: expect.stringContaining('ListDashboards') });
    expect((await fetch(cloud.endpoint)).status).toBe(403);
  });

  test('counts calls by service, action and principal', async () => {
    const before = cloud.calls();
    const secrets = new SecretsManagerClient(client);
    await secrets.send(new GetSecretValueCommand({ SecretId: output('Secret') }));
    const count = (calls = cloud.calls()) =>
      calls.calls.find(
        ({ action, principal }) => action === 'GetSecretValue' && principal === 'user',
      )?.count ?? 0;
    expect(count()).toBe(count(before) + 1);
    const page = await (await fetch(`${cloud.endpoint}/_ballast/calls`)).json();
    expect(page).toMatchObject({ total: expect.any(Number) });
    expect(cloud.calls().calls.map(({ principal }) => principal)).toContain('event-sources');
  });
});
