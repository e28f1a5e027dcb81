import {
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { parseSettings } from '../../lib/aws/config.ts';
import { Ec2Machines } from '../../lib/aws/machines.ts';
import { publicKeyOf, signingKey } from '../../lib/contract/capability.ts';
import { TryLater } from '../../lib/control/ports.ts';
import { nodeId, zone } from '../../lib/core/ids.ts';
import { atOnce, awsError, environment } from './settings.ts';

const sdk = mockClient(EC2Client);
const key = signingKey('a secret of at least 32 characters');
const machines = new Ec2Machines(
  sdk as unknown as EC2Client,
  parseSettings(environment),
  async () => key,
  atOnce,
);
beforeEach(() => sdk.reset());
afterAll(() => sdk.restore());

const launch = (where = 'a') => machines.launch(nodeId('n-1'), zone(where), 'token-1');
const instance = (InstanceId: string, state: string, node = InstanceId) => ({
  InstanceId,
  PrivateIpAddress: '10.0.0.7',
  SubnetId: 'subnet-b',
  State: { Name: state as 'running' },
  Tags: [{ Key: 'ballast:node', Value: node }],
});

describe('launch', () => {
  test('asks for one machine of the template in the zone, with token and tags', async () => {
    sdk.on(RunInstancesCommand).resolves({ Instances: [instance('i-1', 'pending')] });
    expect(await launch('b')).toEqual({
      instance: 'i-1',
      node: 'n-1',
      state: 'pending',
      address: '10.0.0.7:7070',
      zone: 'b',
    });
    const { TagSpecifications, ...input } = sdk.commandCalls(RunInstancesCommand)[0]!.args[0].input;
    expect(input).toMatchObject({
      LaunchTemplate: { LaunchTemplateId: 'lt-1' },
      MinCount: 1,
      MaxCount: 1,
      SubnetId: 'subnet-b',
      ClientToken: 'token-1',
    });
    const tags = TagSpecifications!.find(({ ResourceType }) => ResourceType === 'instance')!.Tags!;
    expect(Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]))).toEqual({
      Name: 'photos-n-1',
      'ballast:node': 'n-1',
      'ballast:fleet': 'photos',
      'ballast:launch': 'token-1',
      'ballast:capability-key': publicKeyOf(key),
    });
  });

  test('asks for a type of its own, and tells the node its size', async () => {
    sdk.on(RunInstancesCommand).resolves({ Instances: [instance('i-1', 'pending')] });
    const type = { type: 'r7g.xlarge', capacityBytes: 5e11 };
    await machines.launch(nodeId('n-1'), zone('b'), 'token-1', type);
    const { input } = sdk.commandCalls(RunInstancesCommand)[0]!.args[0];
    expect(input.InstanceType).toBe('r7g.xlarge');
    const [ofInstance] = input.TagSpecifications!;
    expect(ofInstance?.Tags).toContainEqual({ Key: 'ballast:capacity', Value: '500000000000' });
  });

  test('says why no machine is to be had, though EC2 calls it a server error', async () => {
    sdk.on(RunInstancesCommand).rejects(awsError('InsufficientInstanceCapacity', 500));
    const refused = 'InsufficientInstanceCapacity: InsufficientInstanceCapacity happened';
    expect(await launch()).toEqual({ refused });
    expect(sdk.calls()).toHaveLength(1);
  });

  test('refuses a zone without a subnet, and asks nobody', async () => {
    expect(await launch('z')).toEqual({ refused: 'no subnet in zone z, only in a, b' });
    expect(sdk.calls()).toHaveLength(0);
  });

  test('is sent again under its token when the answer was lost', async () => {
    sdk
      .on(RunInstancesCommand)
      .rejectsOnce(awsError('InternalError', 500))
      .resolves({ Instances: [instance('i-1', 'pending')] });
    expect(await launch()).toMatchObject({ instance: 'i-1' });
    sdk.on(RunInstancesCommand).rejects(awsError('RequestLimitExceeded', 503));
    await expect(launch()).rejects.toThrow(TryLater);
  });

  test('passes mistakes on', async () => {
    sdk.on(RunInstancesCommand).rejects(awsError('IdempotentParameterMismatch'));
    await expect(launch()).rejects.toThrow('IdempotentParameterMismatch');
  });
});

test('zones are known by the ids under which AWS speaks of them', async () => {
  const AvailabilityZones = [{ ZoneId: 'use1-az2', ZoneName: 'us-east-1a' }];
  sdk.on(DescribeAvailabilityZonesCommand).resolves({ AvailabilityZones });
  expect([...(await machines.zones())]).toEqual([['use1-az2', 'us-east-1a']]);
});

test('list goes through all pages of the fleet and leaves out what is no node', async () => {
  sdk
    .on(DescribeInstancesCommand)
    .resolvesOnce({
      Reservations: [{ Instances: [instance('i-1', 'running')] }],
      NextToken: 'more',
    })
    .resolves({
      Reservations: [
        { Instances: [instance('i-2', 'shutting-down'), { InstanceId: 'i-9', Tags: [] }] },
        { Instances: [{ ...instance('i-3', 'terminated'), PrivateIpAddress: undefined }] },
      ],
    });
  const found = await machines.list();
  expect(found.map(({ node, state, address }) => [node, state, address])).toEqual([
    ['i-1', 'running', '10.0.0.7:7070'],
    ['i-2', 'shutting-down', '10.0.0.7:7070'],
    ['i-3', 'terminated', ''],
  ]);
  expect(
    sdk.commandCalls(DescribeInstancesCommand).map((call) => call.args[0].input),
  ).toMatchObject([
    { Filters: [{ Name: 'tag:ballast:fleet', Values: ['photos'] }] },
    { NextToken: 'more' },
  ]);
});

describe('terminate', () => {
  const sent = () => sdk.calls().map((call) => call.args[0].constructor.name);

  test('lifts the protection first', async () => {
    await machines.terminate('i-1');
    expect(sent()).toEqual(['ModifyInstanceAttributeCommand', 'TerminateInstancesCommand']);
    expect(sdk.commandCalls(ModifyInstanceAttributeCommand)[0]!.args[0].input).toEqual({
      InstanceId: 'i-1',
      DisableApiTermination: { Value: false },
    });
  });

  test.each(['InvalidInstanceID.NotFound', 'IncorrectInstanceState'])(
    'of one that ends or has ended (%s) is harmless',
    async (name) => {
      sdk.on(ModifyInstanceAttributeCommand).rejects(awsError(name));
      sdk.on(TerminateInstancesCommand).rejects(awsError('InvalidInstanceID.NotFound'));
      await machines.terminate('i-1');
      expect(sent()).toHaveLength(2);
    },
  );

  test('does not terminate what it may not unprotect', async () => {
    sdk.on(ModifyInstanceAttributeCommand).rejects(awsError('UnauthorizedOperation', 403));
    await expect(machines.terminate('i-1')).rejects.toThrow('UnauthorizedOperation');
    expect(sent()).toEqual(['ModifyInstanceAttributeCommand']);
  });
});
