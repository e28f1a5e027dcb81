import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../lib/local/cloud.ts';
import { clientOf, fixture, start, until } from './fixture.ts';

const made = fixture();
let cloud: LocalCloud;
let ec2: EC2Client;

beforeAll(async () => {
  cloud = await start(made);
  ec2 = new EC2Client(clientOf(cloud));
});
afterAll(async () => {
  await cloud?.close();
  made.remove();
});

const run = async (token: string, more: Partial<RunInstancesCommandInput> = {}) => {
  const LaunchTemplate = { LaunchTemplateId: cloud.outputs.Template };
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      LaunchTemplate,
      SubnetId: cloud.outputs.Subnet,
      InstanceType: 'is4gen.medium',
      MinCount: 1,
      MaxCount: 1,
      ClientToken: token,
      TagSpecifications: [
        { ResourceType: 'instance', Tags: [{ Key: 'ballast:node', Value: `node-${token}` }] },
      ],
      ...more,
    }),
  );
  const { InstanceId = '', PrivateIpAddress = '', ...rest } = Instances[0] ?? {};
  return { InstanceId, PrivateIpAddress, ...rest };
};

interface Who {
  id: string;
  zone: string;
  node: string;
  starts: number;
  dir: string;
  pid: number;
}
const who = ({ PrivateIpAddress }: Pick<Instance, 'PrivateIpAddress'>): Promise<Who | undefined> =>
  fetch(`http://${PrivateIpAddress}:7391`)
    .then((answer) => answer.json() as Promise<Who>)
    .catch(() => undefined);

const describeOne = async (id: string): Promise<Instance | undefined> => {
  const answer = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return answer.Reservations?.[0]?.Instances?.[0];
};

const chaos = (page: string, instance: string) =>
  fetch(`${cloud.endpoint}/_ballast/${page}`, {
    method: 'POST',
    body: JSON.stringify({ instance }),
  });

describe('an instance', () => {
  test('is a process with an address, a zone, a disk and metadata of its own', async () => {
    const instance = await run('one');
    expect(instance).toMatchObject({
      InstanceType: 'is4gen.medium',
      Placement: { AvailabilityZone: 'us-east-1b' },
      ImageId: 'ami-00000000000000000',
    });
    expect(instance.PrivateIpAddress).toMatch(/^127\./);
    const answer = await until('the agent', () => who(instance));
    expect(answer).toMatchObject({
      id: instance.InstanceId,
      zone: 'us-east-1b',
      node: 'node-one',
      starts: 1,
      dir: join(made.home, 'nodes', instance.InstanceId, 'data'),
    });
    const token = `${cloud.endpoint}/_imds/${instance.InstanceId}/latest/meta-data/instance-id`;
    expect((await fetch(token)).status).toBe(401);
  });

  test('is launched once per client token, and never with other parameters', async () => {
    const [first, second] = await Promise.all([run('twice'), run('twice')]);
    expect(second.InstanceId).toBe(first.InstanceId);
    await expect(run('twice', { InstanceType: 'm7g.large' })).rejects.toMatchObject({
      name: 'IdempotentParameterMismatch',
    });
  });

  test('starts again after kill -9 on its old disk and address', async () => {
    const instance = await run('killed');
    const before = await until('the agent', () => who(instance));
    expect(await (await chaos('kill-agent', instance.InstanceId)).json()).toEqual({ killed: 1 });
    const after = await until('the agent again', async () => {
      const answer = await who(instance);
      return answer?.starts === 2 && answer;
    });
    expect(after.pid).not.toBe(before.pid);
  });

  test('is found by tag and state', async () => {
    const instance = await run('tagged');
    const Resources = [instance.InstanceId];
    await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: 'extra', Value: 'yes' }] }));
    const { Reservations } = await ec2.send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'tag:extra', Values: ['yes'] },
          { Name: 'instance-state-name', Values: ['pending', 'running'] },
        ],
      }),
    );
    const found = Reservations?.flatMap(({ Instances = [] }) => Instances);
    expect(found?.map(({ InstanceId }) => InstanceId)).toEqual(Resources);
    expect(found?.[0]?.Tags).toContainEqual({ Key: 'ballast:node', Value: 'node-tagged' });
  });

  test('is terminated only without protection; its disk goes, and an event says so', async () => {
    const { InstanceId, PrivateIpAddress } = await run('ended');
    await until('the agent', () => who({ PrivateIpAddress }));
    const InstanceIds = [InstanceId];
    await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds }))).rejects.toMatchObject({
      name: 'OperationNotPermitted',
    });
    const DisableApiTermination = { Value: false };
    await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination }));
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    await until('terminated', async () => {
      const instance = await describeOne(InstanceId);
      return instance?.State?.Name === 'terminated';
    });
    expect(existsSync(join(made.home, 'nodes', InstanceId))).toBe(false);
    expect(await who({ PrivateIpAddress })).toBeUndefined();
    const mine = () => made.events('OnEvent').map(({ detail }) => detail as Record<string, string>);
    await until('the event', () => mine().some((detail) => detail['instance-id'] === InstanceId));
  });

  test('that is lost is gone at once, protection or not', async () => {
    const { InstanceId } = await run('lost');
    await chaos('lose-instance', InstanceId);
    expect((await describeOne(InstanceId))?.State?.Name).toBe('terminated');
    expect(existsSync(join(made.home, 'nodes', InstanceId))).toBe(false);
  });
});
