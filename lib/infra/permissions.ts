import { Stack, Validations } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { type IRole, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { tagFleet } from '../contract/env.ts';
import { eventSource } from '../contract/events.ts';
import { nodePolicyPartition } from '../contract/keys.ts';
import type { FleetData } from './fleet-data.ts';
import { type FunctionName, functionNames } from './functions.ts';
import { allowKey } from './key-use.ts';
import type { Network } from './network.ts';
import type { Nodes } from './nodes.ts';
import { type Queues, urgencies } from './queues.ts';
import { type WorkflowName, workflowArn } from './workflows/workflow.ts';

export interface PermissionsProps {
  readonly fleetName: string;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly data: FleetData;
  readonly queues: Queues;
  readonly nodes: Nodes;
  readonly network: Network;
  readonly events: EventBus;
}

/** What a function may do besides reading and writing the placement, which every step does. */
type Permission = (role: IRole, props: PermissionsProps) => void;

const permissions: Readonly<Record<FunctionName, readonly Permission[]>> = {
  autoscaler: [startWorkflows],
  'node-watch': [
    signCapabilities,
    listMachines,
    terminateMachines,
    startWorkflows,
    sendBatches,
    sendSweeps,
    tellNodes,
  ],
  sweep: [signCapabilities, sendSweeps],
  urgency: [startWorkflows, nameZones],
  tell: [tellEvents],
  migrate: [signCapabilities, sendBatches, sendSweeps],
  admit: [],
  connections: [signCapabilities],
  plan: [signCapabilities],
  pace: [sendBatches],
  prove: [signCapabilities, writeCertificates],
  terminate: [listMachines, terminateMachines],
  // It stamps the public half of the signing key on the machine.
  launch: [signCapabilities, launchMachines],
  join: [signCapabilities, listMachines, terminateMachines],
  finish: [listMachines, terminateMachines, tellEvents],
};

export function grantPermissions(props: PermissionsProps): void {
  for (const name of functionNames) {
    const role = props.functions[name].role!;
    useTables(role, props.data);
    for (const grant of permissions[name]) grant(role, props);
  }
}

/** @param sid names the statement in the template and in CloudTrail's refusals */
const allow = (role: IRole, sid: string, statement: PolicyStatementProps): void => {
  role.addToPrincipalPolicy(new PolicyStatement({ sid, ...statement }));
};

/** Transactions and batches are allowed by the actions that they are made of. */
const readItems = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const writeItems = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
];

function useTables(role: IRole, data: FleetData): void {
  allow(role, 'Placement', {
    actions: [...readItems, ...writeItems],
    resources: [data.placement.tableArn],
  });
  allow(role, 'Heartbeats', { actions: readItems, resources: [data.heartbeats.tableArn] });
  allowKey(role, data.key, ['dynamodb']);
}

/** The one item among the heartbeats that is the control plane's. */
function tellNodes(role: IRole, { data }: PermissionsProps): void {
  allow(role, 'TellNodes', {
    actions: ['dynamodb:PutItem'],
    resources: [data.heartbeats.tableArn],
    conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [nodePolicyPartition] } },
  });
}

function signCapabilities(role: IRole, { data }: PermissionsProps): void {
  allow(role, 'Capabilities', {
    actions: ['secretsmanager:GetSecretValue'],
    resources: [data.secret.secretArn],
  });
  allowKey(role, data.key, ['secretsmanager']);
}

function sendBatches(role: IRole, { queues }: PermissionsProps): void {
  allow(role, 'SendBatches', {
    actions: ['sqs:SendMessage'],
    resources: urgencies.map((urgency) => queues.byName[urgency].queueArn),
  });
}

function sendSweeps(role: IRole, { queues }: PermissionsProps): void {
  allow(role, 'SendSweeps', {
    actions: ['sqs:SendMessage'],
    resources: [queues.byName.sweep.queueArn],
  });
}

function writeCertificates(role: IRole, { data }: PermissionsProps): void {
  const certificates = `${arnSeenFrom(role, data.bucket as IBucket)}/certificates/*`;
  allow(role, 'Certificates', { actions: ['s3:PutObject'], resources: [certificates] });
  allowKey(role, data.key, ['s3']);
  acknowledge(
    role,
    certificates,
    'A certificate is named after its job and node, which do not exist yet. It may only be added.',
  );
}

/** The ARN as the role's template will have it: cdk-nag is told of it before references are resolved. */
function arnSeenFrom(role: IRole, bucket: IBucket): string {
  const owner = Stack.of(bucket);
  return owner === Stack.of(role) ? bucket.bucketArn : owner.exportValue(bucket.bucketArn);
}

function startWorkflows(role: IRole, { fleetName }: PermissionsProps): void {
  const names: readonly WorkflowName[] = ['scale-out', 'drain', 'rebalance', 'repair'];
  allow(role, 'StartWorkflows', {
    actions: ['states:StartExecution'],
    resources: names.map((name) => workflowArn(role, fleetName, name)),
  });
}

/** On the fleet's own bus, as the fleet and nobody else. A call has ten events, so the key has many values. */
function tellEvents(role: IRole, { events }: PermissionsProps): void {
  allow(role, 'TellEvents', {
    actions: ['events:PutEvents'],
    resources: [events.eventBusArn],
    conditions: {
      'ForAllValues:StringEquals': { 'events:source': eventSource },
      Null: { 'events:source': 'false' },
    },
  });
}

/** What the account calls a zone of which an event tells by its id. */
function nameZones(role: IRole): void {
  allow(role, 'NameZones', { actions: ['ec2:DescribeAvailabilityZones'], resources: ['*'] });
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'DescribeAvailabilityZones has no resources.',
  });
}

function listMachines(role: IRole): void {
  allow(role, 'ListMachines', { actions: ['ec2:DescribeInstances'], resources: ['*'] });
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'DescribeInstances has no resources, nor have the network actions that Lambda itself needs.',
  });
}

/** Machines of this fleet only, by their tag; the two steps of one termination. */
function terminateMachines(role: IRole, { fleetName }: PermissionsProps): void {
  allow(role, 'TerminateMachines', {
    actions: ['ec2:ModifyInstanceAttribute', 'ec2:TerminateInstances'],
    resources: [ec2Arn(role, 'instance', '*')],
    conditions: { StringEquals: { [`ec2:ResourceTag/${tagFleet}`]: fleetName } },
  });
  acknowledgeAny(
    role,
    ['instance'],
    'Instances do not exist yet; the fleet tag in the condition names them.',
  );
}

function launchMachines(role: IRole, props: PermissionsProps): void {
  const { nodes, network, fleetName, data } = props;
  const template = ec2Arn(role, 'launch-template', nodes.launchTemplate.launchTemplateId!);
  const fromTemplate = { ArnEquals: { 'ec2:LaunchTemplate': template } };
  allow(role, 'LaunchFromTemplate', {
    actions: ['ec2:RunInstances'],
    resources: ['instance', 'volume', 'network-interface'].map((kind) => ec2Arn(role, kind, '*')),
    conditions: fromTemplate,
  });
  allow(role, 'LaunchWith', {
    actions: ['ec2:RunInstances'],
    resources: [
      template,
      ec2Arn(role, 'security-group', network.nodes.securityGroupId),
      `arn:${Stack.of(role).partition}:ec2:${Stack.of(role).region}::image/${nodes.imageId}`,
      ...network.subnets.map(({ subnetId }) => ec2Arn(role, 'subnet', subnetId)),
    ],
    conditions: fromTemplate,
  });
  allow(role, 'TagAtLaunch', {
    actions: ['ec2:CreateTags'],
    resources: ['instance', 'volume'].map((kind) => ec2Arn(role, kind, '*')),
    conditions: {
      StringEquals: {
        'ec2:CreateAction': 'RunInstances',
        [`aws:RequestTag/${tagFleet}`]: fleetName,
      },
    },
  });
  allow(role, 'PassNodeRole', {
    actions: ['iam:PassRole'],
    resources: [nodes.role.roleArn],
    conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
  });
  encryptVolumes(role, data);
  acknowledgeAny(
    role,
    ['instance', 'volume', 'network-interface'],
    'What a launch makes does not exist yet; the condition allows this launch template and no other.',
  );
}

/** EC2 keeps a grant of its own on the key while a volume is attached. */
function encryptVolumes(role: IRole, { key }: FleetData): void {
  allowKey(role, key, ['ec2']);
  allow(role, 'GrantVolumesTheKey', {
    actions: ['kms:CreateGrant'],
    resources: [key.keyArn],
    conditions: {
      Bool: { 'kms:GrantIsForAWSResource': 'true' },
      StringEquals: { 'kms:ViaService': `ec2.${Stack.of(role).region}.amazonaws.com` },
    },
  });
}

const ec2Arn = (role: IRole, resource: string, resourceName: string): string =>
  Stack.of(role).formatArn({ service: 'ec2', resource, resourceName });

function acknowledgeAny(role: IRole, kinds: readonly string[], reason: string): void {
  for (const kind of kinds) acknowledge(role, ec2Arn(role, kind, '*'), reason);
}

/** A wildcard at the end of one resource; cdk-nag writes `<LogicalId>` where the template has a reference. */
function acknowledge(role: IRole, arn: string, reason: string): void {
  const resource = flattened(Stack.of(role).resolve(arn));
  Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
}

function flattened(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument]] = Object.entries(value) as [[string, unknown]];
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(flattened).join('');
  if (name === 'Fn::ImportValue') return String(argument);
  if (name === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  return `<${String(argument)}>`;
}
