import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { functionNames } from '../../lib/infra/functions.ts';
import { ofType, type Resources, type Statement, statements, synthesise } from './synthesis.ts';

let all: Resources;
let every: readonly Statement[];
beforeAll(() => {
  all = synthesise().all;
  every = statements(all);
});

const of = (owner: RegExp) => every.filter((statement) => owner.test(statement.owner));
const allowedTo = (owner: RegExp): string[] =>
  of(owner)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ actions }) => actions);

test('no action is a wildcard', () => {
  expect(every.length).toBeGreaterThan(30);
  expect(every.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual(
    [],
  );
});

/** Actions without resource-level permissions, or with a condition in their place; each was reviewed. */
const anyResource: Readonly<Record<string, readonly string[]>> = {
  'network interfaces of a function': [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  machines: ['ec2:DescribeInstances'],
  'names of zones': ['ec2:DescribeAvailabilityZones'],
  metrics: ['cloudwatch:PutMetricData'],
  'logs of a state machine': [
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ],
  'traces of a state machine': [
    'xray:PutTraceSegments',
    'xray:PutTelemetryRecords',
    'xray:GetSamplingRules',
    'xray:GetSamplingTargets',
  ],
};

test('each resource * is in the reviewed list', () => {
  const reviewed = new Set(Object.values(anyResource).flat());
  const found = every.filter(({ resources }) => resources.includes('*'));
  const unknown = found.flatMap(({ actions }) => actions).filter((action) => !reviewed.has(action));
  expect(found.length).toBeGreaterThan(0);
  expect(unknown).toEqual([]);
});

test('no role trusts another account, and managed policies are reviewed', () => {
  const managed: string[] = [];
  for (const [, { Properties }] of ofType(all, 'AWS::IAM::Role')) {
    for (const { Principal } of Properties.AssumeRolePolicyDocument.Statement) {
      expect(Object.keys(Principal)).toEqual(['Service']);
    }
    managed.push(
      ...(Properties.ManagedPolicyArns ?? []).map((arn: unknown) => JSON.stringify(arn)),
    );
  }
  expect(managed).toHaveLength(1);
  expect(managed[0]).toContain('policy/AmazonSSMManagedInstanceCore');
});

describe('nodes', () => {
  const nodes = /^FleetNodesRole/;

  test('may beat, count, fetch their bundle and use the key through DynamoDB; nothing else', () => {
    expect(
      allowedTo(nodes)
        .filter((action) => !action.startsWith('kms:'))
        .sort(),
    ).toEqual(['cloudwatch:PutMetricData', 'dynamodb:GetItem', 'dynamodb:PutItem', 's3:GetObject']);
    const key = of(nodes).find(({ actions }) => actions.includes('kms:Decrypt'));
    expect(JSON.stringify(key?.Condition)).toMatch(
      /^{"StringEquals":{"kms:ViaService":\[{"Fn::Join":\["",\["dynamodb\."[^[]*\]}\]}}$/,
    );
  });

  test('write heartbeats only, and only our own metrics', () => {
    const [beat] = of(nodes).filter(({ actions }) => actions.includes('dynamodb:PutItem'));
    expect(beat?.resources.join()).toMatch(/Heartbeats/);
    expect(beat?.resources).toHaveLength(1);
    const [ask] = of(nodes).filter(({ actions }) => actions.includes('dynamodb:GetItem'));
    expect(ask?.resources).toEqual(beat?.resources);
    const keysOf = (statement: typeof beat) =>
      Object.values(statement?.Condition?.['ForAllValues:StringLike'] ?? {}).flat();
    // A node writes no other item than nodes', least of all the one that it is told by.
    expect([keysOf(beat), keysOf(ask)]).toEqual([['N#*'], ['P']]);
    const [count] = of(nodes).filter(({ actions }) => actions.includes('cloudwatch:PutMetricData'));
    expect(count?.Condition).toEqual({ StringEquals: { 'cloudwatch:namespace': 'Ballast' } });
  });

  test('may not touch the placement', () => {
    const touching = of(nodes).filter(({ resources }) => /Placement|Files/.test(resources.join()));
    expect(touching).toEqual([]);
  });
});

describe('machines', () => {
  test('are launched from the launch template alone, in the fleet’s subnets', () => {
    const runs = every.filter(({ actions }) => actions.includes('ec2:RunInstances'));
    expect(runs.map(({ owner }) => owner.replace(/Role.*/, ''))).toEqual([
      'FleetFunctionsLaunch',
      'FleetFunctionsLaunch',
    ]);
    for (const { Condition } of runs) {
      expect(JSON.stringify(Condition)).toMatch(
        /"ArnEquals":{"ec2:LaunchTemplate":.*launch-template\//,
      );
    }
    const subnets = runs
      .flatMap(({ resources }) => resources)
      .filter((arn) => arn.includes(':subnet/'));
    expect(subnets).toHaveLength(3);
    expect(subnets.join()).not.toContain('*');
  });

  test('are tagged only while they are launched, with this fleet’s tag', () => {
    const [tag, ...others] = every.filter(({ actions }) => actions.includes('ec2:CreateTags'));
    expect(others).toEqual([]);
    expect(tag?.Condition).toEqual({
      StringEquals: {
        'ec2:CreateAction': 'RunInstances',
        'aws:RequestTag/ballast:fleet': 'ballast',
      },
    });
  });

  test('get the node role and no other', () => {
    const [pass, ...others] = every.filter(({ actions }) => actions.includes('iam:PassRole'));
    expect(others).toEqual([]);
    expect(pass?.resources).toEqual([expect.stringMatching(/^<FleetNodesRole\w+\.Arn>$/)]);
    expect(pass?.Condition).toEqual({
      StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    });
  });

  test('are terminated by four functions, by the fleet’s tag', () => {
    const ends = every.filter(({ actions }) => actions.includes('ec2:TerminateInstances'));
    expect(ends.map(({ owner }) => owner.replace(/^FleetFunctions|Role.*/g, '')).sort()).toEqual([
      'Finish',
      'Join',
      'NodeWatch',
      'Terminate',
    ]);
    for (const { Condition } of ends) {
      expect(Condition).toEqual({ StringEquals: { 'ec2:ResourceTag/ballast:fleet': 'ballast' } });
    }
  });
});

describe('functions', () => {
  /** What each part of the ports needs, in the words of IAM. */
  const wanted: Readonly<Record<string, string>> = {
    nodes: 'secretsmanager:GetSecretValue',
    machines: 'ec2:',
    workflows: 'states:StartExecution',
    queues: 'sqs:SendMessage',
    archive: 's3:PutObject',
    events: 'events:PutEvents',
  };
  const roleOf = (name: string) =>
    new RegExp(`^FleetFunctions${name.split('-').map(upper).join('')}Role`);
  const upper = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

  test.each(functionNames)('%s may do what its ports do, and no more', (name) => {
    const source = readFileSync(`lambdas/${name}.ts`, 'utf8');
    const [, parts = ''] =
      /(?:functionPorts|jobHandler|stepHandler)\(\s*({[^}]*}|)/s.exec(source) ?? [];
    const allowed = of(roleOf(name))
      .filter(({ Sid }) => !Sid?.startsWith('Network'))
      .flatMap(({ actions }) => actions);
    expect(allowed).toContain('dynamodb:Query');
    for (const [part, action] of Object.entries(wanted)) {
      const isUsed = new RegExp(`\\b${part}:`).test(parts);
      // A launch stamps the public key on the machine: it reads the secret without speaking to agents;
      // functions that events call may send what they could not handle to the dead letters.
      const isExcused =
        (part === 'nodes' && name === 'launch') ||
        (part === 'queues' && ['autoscaler', 'urgency', 'tell'].includes(name));
      if (isExcused) continue;
      expect([name, part, allowed.some((each) => each.startsWith(action))]).toEqual([
        name,
        part,
        isUsed,
      ]);
    }
  });

  test.each(functionNames)('%s lives in the network if it speaks with agents, else not', (name) => {
    const isSpeaking = /\bnodes: agentNodes\b/.test(readFileSync(`lambdas/${name}.ts`, 'utf8'));
    const [own] = ofType(all, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.FunctionName === `ballast-${name}`,
    );
    expect([name, own?.[1].Properties.VpcConfig !== undefined]).toEqual([name, isSpeaking]);
  });

  test('tell events on the fleet’s own bus alone, in the fleet’s own name', () => {
    const tells = every.filter(({ actions }) => actions.includes('events:PutEvents'));
    expect(tells.map(({ owner }) => owner.replace(/^FleetFunctions|Role.*/g, '')).sort()).toEqual([
      'Finish',
      'Tell',
    ]);
    for (const { resources, Condition } of tells) {
      expect(resources).toEqual([expect.stringMatching(/^<FleetEvents\w+\.Arn>$/)]);
      // One call tells several: without a set operator a key of many values matches nothing.
      expect(Condition).toEqual({
        'ForAllValues:StringEquals': { 'events:source': 'ballast' },
        Null: { 'events:source': 'false' },
      });
    }
  });

  test('never touch the files’ namespace, nor write heartbeats; one tells nodes how to throttle', () => {
    const functions = of(/^FleetFunctions/);
    expect(functions.filter(({ resources }) => /DataFiles/.test(resources.join()))).toEqual([]);
    const writes = (each: (typeof functions)[number]) => each.actions.includes('dynamodb:PutItem');
    const touching = functions.filter(({ resources }) => /Heartbeats/.test(resources.join()));
    const [tell, ...others] = touching.filter(writes);
    expect([tell?.owner, tell?.actions, others]).toEqual([
      expect.stringMatching(/NodeWatch/),
      ['dynamodb:PutItem'],
      [],
    ]);
    expect(tell?.Condition).toEqual({
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['P'] },
    });
    const beats = touching.filter((each) => !writes(each));
    expect(beats).toHaveLength(functionNames.length);
    expect(new Set(beats.flatMap(({ actions }) => actions))).toEqual(
      new Set(['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query']),
    );
  });
});
