// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these placeholders are CloudFormation's
import { describe, expect, test } from 'vitest';
import type { Template } from '../../lib/local/assembly.ts';
import { Resolver } from '../../lib/local/resolver.ts';

const place = { region: 'eu-west-1', endpoint: 'http://127.0.0.1:1' };
const template: Template = {
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'jobs' } },
    Named: { Type: 'AWS::DynamoDB::Table' },
    Role: { Type: 'AWS::IAM::Role' },
  },
  Parameters: {
    Size: { Type: 'String', Default: 'small' },
    Image: { Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>' },
  },
  Conditions: {
    Small: { 'Fn::Equals': [{ Ref: 'Size' }, 'small'] },
    Large: { 'Fn::Not': [{ Condition: 'Small' }] },
    Both: { 'Fn::And': [{ Condition: 'Small' }, { Condition: 'Large' }] },
    Either: { 'Fn::Or': [{ Condition: 'Small' }, { Condition: 'Large' }] },
  },
  Mappings: { Sizes: { small: { gib: 1 } } },
};
const data: Template = {
  Resources: {},
  Outputs: {
    Bucket: { Value: 'b-1', Export: { Name: { 'Fn::Sub': '${AWS::StackName}:Bucket' } } },
  },
};

const all = new Map<string, Resolver>();
const resolver = new Resolver({ name: 'App', template }, place, () => all);
all.set('App', resolver);
all.set('Data', new Resolver({ name: 'Data', template: data }, place, () => all));

describe('an intrinsic function', () => {
  test.each<[expression: unknown, value: unknown]>([
    [{ Ref: 'Queue' }, 'http://127.0.0.1:1/000000000000/jobs'],
    [{ Ref: 'Named' }, 'App-Named'],
    [{ Ref: 'Size' }, 'small'],
    [{ Ref: 'Image' }, 'ami-00000000000000000'],
    [{ Ref: 'AWS::Region' }, 'eu-west-1'],
    [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:eu-west-1:000000000000:jobs'],
    [{ 'Fn::GetAtt': 'Role.Arn' }, 'arn:aws:iam::000000000000:role/App-Role'],
    [{ 'Fn::Sub': '${Queue.QueueName}-${Size}-${!literal}' }, 'jobs-small-${literal}'],
    [{ 'Fn::Sub': ['${A}/${Size}', { A: { Ref: 'Named' } }] }, 'App-Named/small'],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Size' }]] }, 'a-small'],
    [{ 'Fn::Select': ['1', { 'Fn::Split': [',', 'x,y'] }] }, 'y'],
    [{ 'Fn::Select': [2, { 'Fn::GetAZs': '' }] }, 'eu-west-1c'],
    [{ 'Fn::Base64': 'hello' }, 'aGVsbG8='],
    [{ 'Fn::FindInMap': ['Sizes', { Ref: 'Size' }, 'gib'] }, 1],
    [{ 'Fn::If': ['Small', 'yes', 'no'] }, 'yes'],
    [{ 'Fn::If': ['Both', 'yes', 'no'] }, 'no'],
    [{ 'Fn::If': ['Either', 'yes', 'no'] }, 'yes'],
    [{ a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    [{ 'Fn::ImportValue': 'Data:Bucket' }, 'b-1'],
    [{ 'Fn::GetStackOutput': { StackName: 'Data', OutputName: 'Bucket' } }, 'b-1'],
  ])('%j is %j', (expression, value) => expect(resolver.resolve(expression)).toEqual(value));

  test.each<[expression: unknown, named: string]>([
    [{ 'Fn::Transform': {} }, 'Fn::Transform'],
    [{ Ref: 'Nobody' }, 'Nobody'],
    [{ 'Fn::ImportValue': 'Nothing' }, 'Nothing'],
    [{ 'Fn::If': ['Unknown', 1, 2] }, 'Unknown'],
  ])('%j is refused', (expression, named) =>
    expect(() => resolver.resolve(expression)).toThrow(named),
  );
});
