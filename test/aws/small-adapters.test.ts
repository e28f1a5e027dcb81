import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import {
  afterAll,
  afterEach,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { S3Archive } from '../../lib/aws/archive.ts';
import { causeOf } from '../../lib/aws/cause.ts';
import { parseSettings } from '../../lib/aws/config.ts';
import { fleetKey } from '../../lib/aws/fleet-key.ts';
import { structuredLog } from '../../lib/aws/logger.ts';
import { portsFrom } from '../../lib/aws/ports.ts';
import { SqsQueues } from '../../lib/aws/queues.ts';
import { StepFunctions } from '../../lib/aws/workflows.ts';
import { publicKeyOf, signingKey } from '../../lib/contract/capability.ts';
import { TryLater } from '../../lib/control/ports.ts';
import { jobId, nodeId } from '../../lib/core/ids.ts';
import { atOnce, awsError, environment } from './settings.ts';

const settings = parseSettings(environment);

describe('queues', () => {
  const sdk = mockClient(SQSClient);
  const queues = new SqsQueues(sdk as unknown as SQSClient, settings, atOnce);
  beforeEach(() => sdk.reset());
  afterAll(() => sdk.restore());
  const messages = Array.from({ length: 23 }, (_, i) => ({ job: 'j', batch: `b-${i}`, token: 1 }));
  const batches = () => sdk.commandCalls(SendMessageBatchCommand).map((call) => call.args[0].input);

  test('send ten a call to the queue of the urgency', async () => {
    sdk.on(SendMessageBatchCommand).resolves({});
    await queues.send('critical', messages);
    expect(batches().map(({ QueueUrl, Entries }) => [QueueUrl, Entries!.length])).toEqual([
      ['https://queues/critical', 10],
      ['https://queues/critical', 10],
      ['https://queues/critical', 3],
    ]);
    expect(JSON.parse(batches()[2]!.Entries![2]!.MessageBody!)).toEqual(messages[22]);
  });

  test('send again only what was turned away', async () => {
    const Failed = [{ Id: '1', SenderFault: false, Code: 'InternalError' }];
    sdk.on(SendMessageBatchCommand).resolvesOnce({ Failed }).resolves({});
    await queues.send('low', messages.slice(0, 3));
    expect(batches().map(({ Entries }) => Entries!.map(({ Id }) => Id))).toEqual([
      ['0', '1', '2'],
      ['1'],
    ]);
  });

  test.each([
    [false, TryLater],
    [true, Error],
  ])('give up what is turned away for ever (fault of ours: %s)', async (SenderFault, error) => {
    const Failed = [{ Id: '0', SenderFault, Code: 'Odd' }];
    sdk.on(SendMessageBatchCommand).resolves({ Failed });
    await expect(queues.send('low', messages.slice(0, 1))).rejects.toThrow(error);
    expect(batches()).toHaveLength(SenderFault ? 1 : 5);
  });

  test.each([
    [0, 0],
    [1_500, 2],
    [3_600_000, 900],
  ])('a sweep due in %i ms is delayed %i s', async (delayMs, DelaySeconds) => {
    sdk.on(SendMessageCommand).resolves({});
    await queues.sweep([nodeId('n1'), nodeId('n2')], delayMs);
    expect(sdk.commandCalls(SendMessageCommand)[0]!.args[0].input).toEqual({
      QueueUrl: 'https://queues/sweep',
      MessageBody: '{"nodes":["n1","n2"]}',
      DelaySeconds,
    });
  });
});

describe('workflows', () => {
  const sdk = mockClient(SFNClient);
  const workflows = new StepFunctions(sdk as unknown as SFNClient, settings.workflows, atOnce);
  beforeEach(() => sdk.reset());
  afterAll(() => sdk.restore());

  test('an execution has the name of its job', async () => {
    sdk.on(StartExecutionCommand).resolves({});
    expect(await workflows.start('scale-out', jobId('job-1'))).toBe('started');
    expect(sdk.commandCalls(StartExecutionCommand)[0]!.args[0].input).toEqual({
      stateMachineArn: 'arn:scale-out',
      name: 'job-1',
      input: '{"job":"job-1"}',
    });
  });

  const exists = new ExecutionAlreadyExists({ message: 'there', $metadata: {} });
  const namesSent = () =>
    sdk.commandCalls(StartExecutionCommand).map(({ args: [command] }) => command.input.name);

  test('a job whose execution is over gets the next one', async () => {
    sdk.on(StartExecutionCommand).rejectsOnce(exists).resolves({});
    expect(await workflows.start('drain', jobId('job-1'))).toBe('started');
    expect(namesSent()).toEqual(['job-1', 'job-1-2']);
  });

  test('a job that used up its executions gets no more', async () => {
    sdk.on(StartExecutionCommand).rejectsOnce(awsError('Odd', 500)).rejects(exists);
    expect(await workflows.start('drain', jobId('job-1'))).toBe('already-started');
    expect(namesSent().at(-1)).toBe('job-1-20');
  });
});

test('the archive leaves encryption to the bucket and puts JSON', async () => {
  const sdk = mockClient(S3Client);
  onTestFinished(() => sdk.restore());
  sdk.on(PutObjectCommand).rejectsOnce(awsError('SlowDown', 503)).resolves({});
  await new S3Archive(sdk as unknown as S3Client, 'the-bucket', atOnce).put('plans/1', '{}');
  expect(sdk.commandCalls(PutObjectCommand)[1]!.args[0].input).toEqual({
    Bucket: 'the-bucket',
    Key: 'plans/1',
    Body: '{}',
    ContentType: 'application/json',
  });
});

test('the secret is read once a process, again after a failure, and must be long', async () => {
  const sdk = mockClient(SecretsManagerClient);
  onTestFinished(() => sdk.restore());
  const SecretString = 'a secret of at least 32 characters';
  sdk
    .on(GetSecretValueCommand)
    .rejectsOnce(awsError('AccessDeniedException'))
    .resolvesOnce({ SecretString: 'short' })
    .resolves({ SecretString });
  const read = () => fleetKey(settings)();
  await expect(read()).rejects.toThrow('AccessDeniedException');
  await expect(read()).rejects.toThrow('secret the-secret has 5 characters, expected 32 or more');
  const keys = await Promise.all([read(), read(), read()]);
  expect(new Set(keys).size).toBe(1);
  expect(publicKeyOf(keys[0]!)).toBe(publicKeyOf(signingKey(SecretString)));
  expect(sdk.calls()).toHaveLength(3);
});

describe('the log', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Powertools writes through a console of its own. */
  async function linesOf(work: () => void): Promise<readonly Record<string, unknown>[]> {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    work();
    vi.restoreAllMocks();
    return lines.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line));
  }

  test('is one JSON line an event; events that count are metrics of the fleet', async () => {
    const lines = await linesOf(() => {
      const log = structuredLog(settings);
      log('planned', { job: 'j', moves: 3 });
      log('moves-committed', { moves: 3, bytes: 4096 });
    });
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({
      ...{ level: 'INFO', message: 'planned', fleet: 'photos' },
      detail: { job: 'j', moves: 3 },
    });
    expect(lines[2]).toMatchObject({
      Fleet: 'photos',
      MovesCommitted: 3,
      BytesMoved: 4096,
      _aws: { CloudWatchMetrics: [{ Namespace: 'Ballast', Dimensions: [['Fleet']] }] },
    });
  });
});

test('a part that a process was not given fails by its name', () => {
  const ports = portsFrom(settings, { log: () => () => {} });
  expect(() => ports.machines.list()).toThrow('given no machines, and called list');
  expect(() => ports.queues.sweep([], 0)).toThrow('given no queues, and called sweep');
  expect(ports.newId()).toMatch(/^[0-9A-Z]{26}$/);
  expect(ports.policy.nodeCapacityBytes).toBe(1000);
});

test.each<[behaviour: string, event: unknown, cause: string]>([
  [
    'an alarm',
    {
      source: 'aws.cloudwatch',
      alarmData: { alarmName: 'FillHigh', state: { value: 'ALARM', reason: '0.83 > 0.8' } },
    },
    'alarm FillHigh is ALARM: 0.83 > 0.8',
  ],
  [
    'the schedule',
    { source: 'aws.events', 'detail-type': 'Scheduled Event' },
    'Scheduled Event from aws.events',
  ],
  ['an operator', { cause: 'ballast scale out' }, 'ballast scale out'],
  ['anything', null, 'called without a cause'],
])('the cause of a call: %s', (_behaviour, event, cause) => expect(causeOf(event)).toBe(cause));
