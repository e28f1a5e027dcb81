import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LocalStore, until } from './local-store.ts';

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>
  >;
}

/** Logical id of a queue that no function reads, without the hash at its end. */
const queueEdited = 'FleetQueuesNormalDead';
/** Fill in percent at which the edited alarm fires; the template says 80. */
const thresholdEdited = 33;
/** Seconds that a received message stays hidden; SQS's own default, which the template keeps, is 30. */
const visibilityEdited = 1;
/** Seconds that the edited state machine waits before its first step. */
const waitEdited = 2;

describe('what runs locally is the template, edited by hand after synthesis', () => {
  const store = new LocalStore('cdk.out');

  beforeAll(async () => {
    const assembly = join(store.directory, 'cdk.out');
    cpSync(inject('assembly'), assembly, { recursive: true });
    editTemplate(join(assembly, 'local-fleet.template.json'));
    await store.up('--nodes', '0');
  }, 60_000);

  afterAll(async () => {
    expect(await store.remove()).toEqual([]);
  });

  const client = () => {
    const { endpoint, environment } = store.cloud;
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = environment;
    const credentials = {
      accessKeyId: AWS_ACCESS_KEY_ID!,
      secretAccessKey: AWS_SECRET_ACCESS_KEY!,
    };
    return { endpoint, region: AWS_REGION!, credentials };
  };

  test('an execution takes the edited path', async () => {
    const workflows = new SFNClient(client());
    const { executionArn } = await workflows.send(
      new StartExecutionCommand({
        stateMachineArn: store.cloud.settings.BALLAST_WORKFLOW_REBALANCE,
        input: JSON.stringify({ job: 'none' }),
      }),
    );
    const ended = await until('the execution ends', 30, async () => {
      const now = await workflows.send(new DescribeExecutionCommand({ executionArn }));
      return now.status !== 'RUNNING' && now;
    });
    const { events = [] } = await workflows.send(new GetExecutionHistoryCommand({ executionArn }));
    const path = events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name);
    expect(path.filter((name) => name !== undefined)).toEqual([
      ...['EditedByHand', 'Plan', 'AfterPlan', 'FinishCancelled', 'Cancelled'],
    ]);
    expect(ended.status).toBe('SUCCEEDED');
    const seconds = (ended.stopDate!.getTime() - ended.startDate!.getTime()) / 1_000;
    expect(seconds).toBeGreaterThanOrEqual(waitEdited);
  }, 40_000);

  test('the alarm fires at the edited threshold', async () => {
    const metrics = new CloudWatchClient(client());
    const fillHigh = async () => {
      const names = { AlarmNames: ['local-fill-high'] };
      const { MetricAlarms = [] } = await metrics.send(new DescribeAlarmsCommand(names));
      return MetricAlarms[0]!;
    };
    expect(await fillHigh()).toMatchObject({ Threshold: thresholdEdited });
    await metrics.send(fillOf(thresholdEdited + 1));
    const fired = await until('the alarm to go to ALARM', 25, async () => {
      const now = await fillHigh();
      return now.StateValue === 'ALARM' && now;
    });
    expect(fired.StateReason).toContain(`${thresholdEdited + 1}] against`);
  }, 40_000);

  test('a queue hides messages for the edited time', async () => {
    const sqs = new SQSClient(client());
    const { QueueUrls } = await sqs.send(new ListQueuesCommand({}));
    const QueueUrl = QueueUrls?.find((url) => url.includes(queueEdited));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['VisibilityTimeout'] }),
    );
    expect(Attributes).toEqual({ VisibilityTimeout: `${visibilityEdited}` });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a move that failed' }));
    const receive = () => sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
    const first = await receive();
    const again = await receive();
    expect(first.Messages).toHaveLength(1);
    expect(again.Messages?.[0]?.MessageId).toBe(first.Messages?.[0]?.MessageId);
  }, 20_000);
});

function editTemplate(file: string): void {
  const template = JSON.parse(readFileSync(file, 'utf8')) as Template;
  const resources = Object.entries(template.Resources);
  const propertiesOf = (type: string, name: string, value: string) =>
    resources.find(([, { Type, Properties }]) => Type === type && Properties[name] === value)![1]
      .Properties;
  propertiesOf('AWS::CloudWatch::Alarm', 'AlarmName', 'local-fill-high').Threshold =
    thresholdEdited;
  const [, queue] = resources.find(
    ([id, { Type }]) => Type === 'AWS::SQS::Queue' && id.startsWith(queueEdited),
  )!;
  queue.Properties.VisibilityTimeout = visibilityEdited;
  const machine = propertiesOf(
    'AWS::StepFunctions::StateMachine',
    'StateMachineName',
    'local-rebalance',
  );
  const text = JSON.stringify(machine.DefinitionString);
  const edited = text.replace(
    String.raw`{\"StartAt\":\"Plan\",\"States\":{`,
    String.raw`{\"StartAt\":\"EditedByHand\",\"States\":{\"EditedByHand\":{\"Type\":\"Wait\",\"Seconds\":${waitEdited},\"Next\":\"Plan\"},`,
  );
  expect(edited).not.toBe(text);
  machine.DefinitionString = JSON.parse(edited);
  writeFileSync(file, JSON.stringify(template));
}

/** What the agents of one zone would publish at this fill, in percent. */
function fillOf(percent: number): PutMetricDataCommand {
  const Dimensions = [
    { Name: 'Fleet', Value: 'local' },
    { Name: 'Zone', Value: 'us-east-1a' },
  ];
  const Timestamp = new Date();
  return new PutMetricDataCommand({
    Namespace: 'Ballast',
    MetricData: [
      { MetricName: 'UsedBytes', Value: percent, Dimensions, Timestamp },
      { MetricName: 'CapacityBytes', Value: 100, Dimensions, Timestamp },
    ],
  });
}
