const unit =
  '[Service]\nExecStart=/usr/bin/node /opt/ballast/index.mjs\nRestart=always\nRestartSec=0.2\n';
const agentEnv =
  'BALLAST_FLEET=f\nBALLAST_BUNDLE=s3://assets/agent.zip\nBALLAST_DATA_DIR=/var/lib/ballast/data\nBALLAST_PORT=7391\n';

type Properties = Record<string, unknown>;
export type Resources = Record<string, { Type: string; Properties?: Properties }>;

const lambda = (timeout = 10): Resources[string] => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: {
      S3Bucket: { 'Fn::Join': ['-', ['assets', { Ref: 'AWS::Region' }]] },
      S3Key: 'recorder.zip',
    },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Timeout: timeout,
    Environment: { Variables: { RECORD: { Ref: 'RecordFile' } } },
  },
});

const invoke = (name: string, more: Properties): Properties => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: { 'Fn::GetAtt': [name, 'Arn'] }, 'Payload.$': '$' },
  ...more,
});

const machine = {
  StartAt: 'Route',
  States: {
    Route: {
      Type: 'Choice',
      Choices: [{ Variable: '$.wait', IsPresent: true, Next: 'Pause' }],
      Default: 'Work',
    },
    Pause: { Type: 'Wait', SecondsPath: '$.wait', Next: 'Work' },
    Work: invoke('Task', {
      OutputPath: '$.Payload',
      Retry: [
        { ErrorEquals: ['Lambda.Unknown'], IntervalSeconds: 1, MaxAttempts: 1, BackoffRate: 1 },
      ],
      Catch: [{ ErrorEquals: ['Expected'], ResultPath: '$.error', Next: 'Caught' }],
      End: true,
    }),
    Caught: { Type: 'Pass', End: true },
  },
};

const definition = (): unknown => {
  const [before = '', after = ''] = JSON.stringify(machine).split(
    JSON.stringify({ 'Fn::GetAtt': ['Task', 'Arn'] }),
  );
  return { 'Fn::Join': ['', [`${before}"`, { 'Fn::GetAtt': ['Task', 'Arn'] }, `"${after}`]] };
};

const metric = (name: string, id: string) => ({
  Id: id,
  ReturnData: false,
  MetricStat: {
    Metric: {
      Namespace: 'Test',
      MetricName: name,
      Dimensions: [{ Name: 'Fleet', Value: 'f' }],
    },
    Period: 1,
    Stat: 'Average',
  },
});

/** The resources of the test template: one of everything that the local cloud runs. */
export const resources = (): Resources => ({
  Table: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    },
  },
  DeadLetters: { Type: 'AWS::SQS::Queue' },
  Queue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: 1,
      RedrivePolicy: {
        deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] },
        maxReceiveCount: 2,
      },
    },
  },
  Bucket: { Type: 'AWS::S3::Bucket' },
  Secret: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: { GenerateSecretString: { PasswordLength: 40, ExcludePunctuation: true } },
  },
  Consumer: lambda(),
  Task: lambda(2),
  OnAlarm: lambda(),
  OnEvent: lambda(),
  OnTick: lambda(),
  Buried: { Type: 'AWS::SQS::Queue' },
  Frail: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      ...lambda()?.Properties,
      DeadLetterConfig: { TargetArn: { 'Fn::GetAtt': ['Buried', 'Arn'] } },
    },
  },
  FrailRetries: {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: { FunctionName: { Ref: 'Frail' }, Qualifier: '$LATEST', MaximumRetryAttempts: 1 },
  },
  Mapping: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      FunctionName: { Ref: 'Consumer' },
      BatchSize: 5,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    },
  },
  Machine: {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: { DefinitionString: definition(), RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } },
  },
  Role: { Type: 'AWS::IAM::Role' },
  Fill: {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmActions: [{ 'Fn::GetAtt': ['OnAlarm', 'Arn'] }],
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
      Threshold: 0.8,
      TreatMissingData: 'notBreaching',
      Metrics: [
        { Id: 'fill', Expression: '(used + 0) / MAX([capacity, 1])' },
        metric('UsedBytes', 'used'),
        metric('CapacityBytes', 'capacity'),
      ],
    },
  },
  Pattern: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventPattern: { source: ['test', 'aws.ec2'], detail: { state: ['terminated', 'go'] } },
      Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['OnEvent', 'Arn'] } }],
    },
  },
  Tick: {
    Type: 'AWS::Events::Rule',
    Properties: {
      ScheduleExpression: 'rate(1 second)',
      Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['OnTick', 'Arn'] }, Input: '{"tick":true}' }],
    },
  },
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
  SubnetB: {
    Type: 'AWS::EC2::Subnet',
    Properties: { AvailabilityZone: { 'Fn::Select': [1, { 'Fn::GetAZs': '' }] } },
  },
  Template: {
    Type: 'AWS::EC2::LaunchTemplate',
    Properties: {
      LaunchTemplateData: {
        ImageId: { Ref: 'Image' },
        InstanceType: 'im4gn.large',
        DisableApiTermination: true,
        UserData: {
          'Fn::Base64': `#cloud-config\n${JSON.stringify({
            write_files: [
              { path: '/etc/ballast/agent.env', content: agentEnv },
              { path: '/etc/systemd/system/ballast-agent.service', content: unit },
            ],
            runcmd: [['systemctl', 'start', 'ballast-agent']],
          })}`,
        },
      },
    },
  },
});

const exportOf = (value: unknown, name: string) => ({ Value: value, Export: { Name: name } });

export const outputs = {
  Table: { Value: { Ref: 'Table' } },
  Queue: { Value: { Ref: 'Queue' } },
  DeadLetters: { Value: { Ref: 'DeadLetters' } },
  Bucket: exportOf({ Ref: 'Bucket' }, 'Data:Bucket'),
  Secret: { Value: { Ref: 'Secret' } },
  Machine: { Value: { Ref: 'Machine' } },
  Task: { Value: { Ref: 'Task' } },
  Template: { Value: { Ref: 'Template' } },
  Subnet: { Value: { Ref: 'SubnetB' } },
  Alarm: { Value: { Ref: 'Fill' } },
  Buried: { Value: { Ref: 'Buried' } },
  Frail: { Value: { 'Fn::GetAtt': ['Frail', 'Arn'] } },
};
