import { createHash } from 'node:crypto';
import { accountId } from './principals.ts';

/** What `Ref` and `Fn::GetAtt` of a resource answer. Names are functions of stack and logical id alone. */
export interface Identity {
  readonly ref: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface IdentityInput {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  /** The resource's explicit name, if the template gives one. */
  readonly named: string | undefined;
  readonly region: string;
  readonly endpoint: string;
  /** For a subnet: its zone; for an alias or version: its function. */
  readonly zone: string | undefined;
  readonly functionName: string | undefined;
  readonly aliasName: string | undefined;
}

export const shortHash = (text: string, characters: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, characters);

/** The property that names a resource of this type, and the longest name that AWS allows. */
export const nameProperty: Readonly<
  Record<string, readonly [property: string, charactersMax: number]>
> = {
  'AWS::DynamoDB::Table': ['TableName', 255],
  'AWS::DynamoDB::GlobalTable': ['TableName', 255],
  'AWS::SQS::Queue': ['QueueName', 80],
  'AWS::S3::Bucket': ['BucketName', 63],
  'AWS::Lambda::Function': ['FunctionName', 64],
  'AWS::StepFunctions::StateMachine': ['StateMachineName', 80],
  'AWS::CloudWatch::Alarm': ['AlarmName', 255],
  'AWS::CloudWatch::CompositeAlarm': ['AlarmName', 255],
  'AWS::Events::Rule': ['Name', 64],
  'AWS::Events::EventBus': ['Name', 256],
  'AWS::Scheduler::Schedule': ['Name', 64],
  'AWS::EC2::LaunchTemplate': ['LaunchTemplateName', 128],
  'AWS::SecretsManager::Secret': ['Name', 512],
  'AWS::SNS::Topic': ['TopicName', 256],
};

function physicalName({ stack, logicalId, type, named }: IdentityInput): string {
  const [, charactersMax] = nameProperty[type] ?? ['', 255];
  const name = named ?? `${stack}-${logicalId}`;
  const short =
    name.length <= charactersMax
      ? name
      : `${name.slice(0, charactersMax - 9)}-${shortHash(name, 8)}`;
  return type === 'AWS::S3::Bucket' ? short.toLowerCase() : short;
}

type Maker = (name: string, input: IdentityInput) => Omit<Identity, 'name'>;
const arn = (service: string, region: string, resource: string): string =>
  `arn:aws:${service}:${region}:${accountId}:${resource}`;
const byId =
  (prefix: string): Maker =>
  (name) => {
    const id = `${prefix}-${shortHash(name, 17)}`;
    return { ref: id, attributes: {} };
  };
const byName =
  (service: string, kind: string): Maker =>
  (name, { region }) => ({
    ref: name,
    attributes: { Arn: arn(service, region, `${kind}${name}`), Name: name },
  });

const makers: Readonly<Record<string, Maker>> = {
  'AWS::DynamoDB::Table': (name, { region }) => {
    const Arn = arn('dynamodb', region, `table/${name}`);
    return { ref: name, attributes: { Arn, StreamArn: `${Arn}/stream/local` } };
  },
  'AWS::DynamoDB::GlobalTable': (name, { region }) => {
    const Arn = arn('dynamodb', region, `table/${name}`);
    return { ref: name, attributes: { Arn, StreamArn: `${Arn}/stream/local` } };
  },
  'AWS::SQS::Queue': (name, { region, endpoint }) => {
    const url = `${endpoint}/${accountId}/${name}`;
    return {
      ref: url,
      attributes: { Arn: arn('sqs', region, name), QueueName: name, QueueUrl: url },
    };
  },
  'AWS::S3::Bucket': (name, { region }) => ({
    ref: name,
    attributes: {
      Arn: `arn:aws:s3:::${name}`,
      DomainName: `${name}.s3.amazonaws.com`,
      RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
    },
  }),
  'AWS::Lambda::Function': byName('lambda', 'function:'),
  'AWS::Lambda::Version': (_name, { functionName, region }) => ({
    ref: arn('lambda', region, `function:${functionName}:1`),
    attributes: { Version: '1', FunctionArn: arn('lambda', region, `function:${functionName}:1`) },
  }),
  'AWS::Lambda::Alias': (_name, { functionName, aliasName, region }) => ({
    ref: arn('lambda', region, `function:${functionName}:${aliasName}`),
    attributes: { AliasArn: arn('lambda', region, `function:${functionName}:${aliasName}`) },
  }),
  'AWS::StepFunctions::StateMachine': (name, { region }) => {
    const Arn = arn('states', region, `stateMachine:${name}`);
    return { ref: Arn, attributes: { Arn, Name: name } };
  },
  'AWS::CloudWatch::Alarm': byName('cloudwatch', 'alarm:'),
  'AWS::CloudWatch::CompositeAlarm': byName('cloudwatch', 'alarm:'),
  'AWS::Events::Rule': byName('events', 'rule/'),
  'AWS::Events::EventBus': byName('events', 'event-bus/'),
  'AWS::Scheduler::Schedule': byName('scheduler', 'schedule/default/'),
  'AWS::EC2::LaunchTemplate': (name) => {
    const LaunchTemplateId = `lt-${shortHash(name, 17)}`;
    return {
      ref: LaunchTemplateId,
      attributes: { LaunchTemplateId, LatestVersionNumber: '1', DefaultVersionNumber: '1' },
    };
  },
  'AWS::EC2::VPC': (name) => {
    const VpcId = `vpc-${shortHash(name, 17)}`;
    const DefaultSecurityGroup = `sg-${shortHash(name, 17)}`;
    return { ref: VpcId, attributes: { VpcId, DefaultSecurityGroup, CidrBlock: '10.0.0.0/16' } };
  },
  'AWS::EC2::Subnet': (name, { zone }) => {
    const SubnetId = `subnet-${shortHash(name, 17)}`;
    return { ref: SubnetId, attributes: { SubnetId, AvailabilityZone: zone ?? '' } };
  },
  'AWS::EC2::SecurityGroup': (name) => {
    const GroupId = `sg-${shortHash(name, 17)}`;
    return { ref: GroupId, attributes: { GroupId } };
  },
  'AWS::EC2::RouteTable': byId('rtb'),
  'AWS::SecretsManager::Secret': (name, { region }) => {
    const Id = arn('secretsmanager', region, `secret:${name}-${shortHash(name, 6)}`);
    return { ref: Id, attributes: { Id } };
  },
  'AWS::SNS::Topic': (name, { region }) => {
    const TopicArn = arn('sns', region, name);
    return { ref: TopicArn, attributes: { TopicArn, TopicName: name } };
  },
};

/** Types without a local effect still get a name and an ARN, because others refer to them. */
const plain: Maker = (name, { type, region }) => {
  const [, service = 'local', kind = 'resource'] = type.split('::').map((p) => p.toLowerCase());
  const place = service === 'iam' ? '' : region; // IAM is global
  return { ref: name, attributes: { Arn: arn(service, place, `${kind}/${name}`) } };
};

export function identityOf(input: IdentityInput): Identity {
  const name = physicalName(input);
  return { name, ...(makers[input.type] ?? plain)(name, input) };
}
