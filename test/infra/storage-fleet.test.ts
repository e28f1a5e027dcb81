import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { expect, test } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { ControlEnv } from '../../lib/contract/env.ts';
import { Policy } from '../../lib/contract/policy.ts';
import { StorageFleet } from '../../lib/infra/index.ts';
import { flat, ofType, resourcesOf, synthesise } from './synthesis.ts';

test('goes into somebody else’s stack and network with no props but the network', () => {
  const app = new App({ context: { ...cdk.context, 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Theirs');
  const vpc: IVpc = new Vpc(stack, 'Vpc', { maxAzs: 2 }) as IVpc;
  const fleet = new StorageFleet(stack, 'Store', { vpc });
  const resources = resourcesOf(Template.fromStack(stack));
  expect(ofType(resources, 'AWS::EC2::VPC')).toHaveLength(1);
  expect(ofType(resources, 'AWS::EC2::VPCEndpoint')).toHaveLength(0);
  expect(ofType(resources, 'AWS::DynamoDB::Table')).toHaveLength(3);
  expect(fleet.vpc).toBe(vpc);
  const buses = ofType(resources, 'AWS::Events::EventBus').map(([id]) => `<${id}>`);
  expect(buses).toEqual([flat(stack.resolve(fleet.events.eventBusName))]);
});

test.each([
  ['without private subnets', 'publicSubnetIds', 0],
  ['over more zones than an alarm can read', 'privateSubnetIds', 6],
])('a network %s is refused before anything is deployed', (_what, kind, zones) => {
  const stack = new Stack(new App(), 'Theirs');
  const letters = [...'abcdef'];
  const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: letters.map((letter) => `us-east-1${letter}`),
    [kind]: letters.map((letter) => `subnet-${letter}`),
  }) as IVpc;
  expect(() => new StorageFleet(stack, 'Store', { vpc })).toThrow(
    `the vpc has private subnets in ${zones} zones, expected 1 to 5`,
  );
});

test('tells all its settings in one output', () => {
  const { fleet } = synthesise({ policy: { nodesMax: 7 }, nodeCapacityBytes: 1_000_000 });
  const { BallastSettings } = fleet.toJSON().Outputs;
  const settings = ControlEnv.parse(JSON.parse(flat(BallastSettings.Value)));
  expect(Policy.parse(JSON.parse(settings.BALLAST_POLICY))).toMatchObject({
    nodesMax: 7,
    nodeCapacityBytes: 1_000_000,
    fillHigh: 0.8,
  });
  expect(settings.BALLAST_SUBNETS.split(',')).toHaveLength(3);
  expect(settings.BALLAST_WORKFLOW_DRAIN).toMatch(/:stateMachine:ballast-drain$/);
});

test('two fleets of one account share no name', () => {
  const namesOf = (fleetName: string): string[] =>
    Object.values(synthesise({ fleetName }).all).flatMap(({ Properties = {} }) =>
      ['FunctionName', 'StateMachineName', 'AlarmName', 'DashboardName']
        .map((property) => Properties[property])
        .filter((name) => typeof name === 'string'),
    );
  const one = new Set(namesOf('one'));
  expect(one.size).toBeGreaterThan(30);
  expect(namesOf('two').filter((name) => one.has(name))).toEqual([]);
});

test('a shorter run of functions shortens what a message is hidden for', () => {
  const { all } = synthesise({ queueFunctionTimeout: Duration.seconds(30) });
  const hidden = ofType(all, 'AWS::SQS::Queue').map(
    ([, { Properties }]) => Properties.VisibilityTimeout,
  );
  expect(hidden.filter((seconds) => seconds !== undefined)).toEqual([180, 180, 180, 180, 180]);
});
