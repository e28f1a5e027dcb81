import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../lib/local/cloud.ts';
import { clientOf, type Fixture, fixture, start, until } from './fixture.ts';
import { resources } from './template.ts';

type Running = Pick<LocalCloud, 'endpoint' | 'environment' | 'outputs'>;
const program = fileURLToPath(new URL('./cloud-process.ts', import.meta.url));
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const made = (): Fixture => {
  const it = fixture();
  endings.push(() => it.remove());
  return it;
};

const open = async (it: Fixture): Promise<LocalCloud> => {
  const cloud = await start(it);
  endings.push(() => cloud.close());
  return cloud;
};

async function inProcess(it: Fixture): Promise<[Running, ChildProcess]> {
  const child = spawn(process.execPath, [program, it.assembly, it.home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endings.push(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return [JSON.parse(String(line)) as Running, child];
}

const isGone = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
};

interface Seen {
  readonly instances: { id: string; pid: number; address: string }[];
  readonly functions: { workers: number[] }[];
}
const stateOf = async ({ endpoint }: Running): Promise<Seen> =>
  (await (await fetch(`${endpoint}/_ballast/state`)).json()) as Seen;

const starts = (address: string) =>
  fetch(`http://${address}:7391`)
    .then(async (answer) => ((await answer.json()) as { starts: number }).starts)
    .catch(() => undefined);

describe('after kill -9 of the whole local cloud', () => {
  test('its children end, and a second start finds everything and finishes what ran', async () => {
    const it = made();
    const [first, child] = await inProcess(it);
    const client = clientOf(first);
    const { Table: TableName, Bucket, Machine: stateMachineArn, DeadLetters } = first.outputs;
    const Item = { pk: { S: 'kept' }, sk: { S: '1' } };
    await new DynamoDBClient(client).send(new PutItemCommand({ TableName, Item }));
    await new S3Client(client).send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'bytes' }));
    await new SQSClient(client).send(
      new SendMessageCommand({ QueueUrl: DeadLetters, MessageBody: 'kept' }),
    );
    await new EC2Client(client).send(
      new RunInstancesCommand({
        LaunchTemplate: { LaunchTemplateId: first.outputs.Template },
        SubnetId: first.outputs.Subnet,
        MinCount: 1,
        MaxCount: 1,
        ClientToken: 'kept',
      }),
    );
    const input = JSON.stringify({ wait: 2 });
    const { executionArn } = await new SFNClient(client).send(
      new StartExecutionCommand({ stateMachineArn, name: 'kept', input }),
    );
    const seen = await stateOf(first);
    const [instance] = seen.instances;
    await until('the agent', () => starts(instance?.address ?? ''));
    await until('a worker', () => it.events('OnTick').length > 0);
    const workers = (await stateOf(first)).functions.flatMap((one) => one.workers);
    const recorded = JSON.parse(readFileSync(join(it.home, 'children.json'), 'utf8')) as {
      pid: number;
    }[];
    const pids = [...recorded.map(({ pid }) => pid), ...workers];
    expect(pids.length).toBeGreaterThanOrEqual(3);

    child.kill('SIGKILL');
    await until('all children end', () => pids.every(isGone));

    const second = await open(it);
    const again = clientOf(second);
    const read = await new DynamoDBClient(again).send(new GetItemCommand({ TableName, Key: Item }));
    expect(read.Item).toEqual(Item);
    const object = await new S3Client(again).send(new GetObjectCommand({ Bucket, Key: 'kept' }));
    expect(await object.Body?.transformToString()).toBe('bytes');
    const { Messages } = await new SQSClient(again).send(
      new ReceiveMessageCommand({ QueueUrl: second.outputs.DeadLetters }),
    );
    expect(Messages?.map(({ Body }) => Body)).toEqual(['kept']);
    const { Reservations } = await new EC2Client(again).send(new DescribeInstancesCommand({}));
    expect(Reservations?.[0]?.Instances?.[0]?.PrivateIpAddress).toBe(instance?.address);
    await until(
      'the agent’s second start',
      async () => (await starts(instance?.address ?? '')) === 2,
    );
    await until('the execution’s end', async () => {
      const answer = await new SFNClient(again).send(
        new DescribeExecutionCommand({ executionArn }),
      );
      return answer.status === 'SUCCEEDED';
    });
  });
});

describe('the template', () => {
  test('edited by hand shows in the next start', async () => {
    const it = made();
    await (await open(it)).close();
    const changed = resources();
    Object.assign(changed.Queue?.Properties ?? {}, { VisibilityTimeout: 77 });
    Object.assign(changed.Fill?.Properties ?? {}, { Threshold: 0.25 });
    const definition = { StartAt: 'New', States: { New: { Type: 'Succeed' } } };
    changed.Machine = {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: { DefinitionString: JSON.stringify(definition) },
    };
    it.write(changed);
    const cloud = await open(it);
    const { Attributes } = await new SQSClient(clientOf(cloud)).send(
      new GetQueueAttributesCommand({
        QueueUrl: cloud.outputs.Queue,
        AttributeNames: ['VisibilityTimeout'],
      }),
    );
    expect(Attributes).toEqual({ VisibilityTimeout: '77' });
    const sfn = new SFNClient(clientOf(cloud));
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: cloud.outputs.Machine, input: '{"new":1}' }),
    );
    const { output } = await until('the new definition', async () => {
      const answer = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      return answer.status === 'SUCCEEDED' && answer;
    });
    expect(output).toBe('{"new":1}');
  });

  test('with a type that has no local counterpart is refused by its name, and nothing starts', async () => {
    const it = made();
    it.write({ ...resources(), Stream: { Type: 'AWS::Kinesis::Stream' } });
    await expect(start(it)).rejects.toMatchObject({
      kind: 'unsupported-resource',
      message: expect.stringContaining('AWS::Kinesis::Stream (Stream'),
    });
  });

  test('with metric math that is not served is refused by its resource', async () => {
    const it = made();
    const changed = resources();
    Object.assign(changed.Fill?.Properties ?? {}, {
      Metrics: [{ Id: 'e', Expression: "SEARCH('x', 'Sum')" }],
    });
    it.write(changed);
    await expect(start(it)).rejects.toMatchObject({ message: expect.stringContaining('Fill') });
  });
});

test('a home has one local cloud at a time', async () => {
  const it = made();
  const first = await open(it);
  await expect(start(it)).rejects.toMatchObject({
    kind: 'home-in-use',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await first.close();
  await open(it);
});
