import { join } from 'node:path';
import { ArnFormat, type Duration, Stack, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, type RecursiveLoop, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { ControlEnv } from '../contract/env.ts';
import { bundled } from './bundle.ts';
import { lockFile, root } from './sources.ts';

export interface Reach {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

export interface ControlFunctionProps {
  readonly fleetName: string;
  /** `lambdas/<name>.ts`, exporting `handler`. */
  readonly name: string;
  /** Of every function: {@link functionsCode}. */
  readonly code: Code;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  readonly environment: ControlEnv;
  /** @default not in the network: calls AWS only */
  readonly reach?: Reach;
  /** For functions that events call without waiting. */
  readonly deadLetterQueue?: IQueue;
  /**
   * Whether a message that a run sends may call the function again, more than 16 times in a row.
   * @default Lambda ends such a chain: its message goes to the dead letters
   */
  readonly recursiveLoop?: RecursiveLoop;
}

const sources = ['lib/{core,contract,control,aws}/**/*.ts', 'lambdas/*.ts', lockFile];

/** The code of these functions, one asset: what one of them loads is in its module and those that it imports. */
export const functionsCode = (names: readonly string[]): Code =>
  Code.fromAsset(
    join(root, 'lambdas'),
    bundled({
      entries: Object.fromEntries(names.map((name) => [name, `lambdas/${name}.ts`])),
      sources,
    }),
  );

/** One Lambda of the control plane, with a role and a log of its own. */
export class ControlFunction extends NodejsFunction {
  constructor(scope: Construct, id: string, props: ControlFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Log`, { retention: RetentionDays.ONE_MONTH });
    const role = new Role(scope, `${id}Role`, {
      description: `Ballast function ${props.name}`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    logGroup.grantWrite(role);
    if (props.reach !== undefined) allowNetwork(role, props);
    super(scope, id, {
      functionName: `${props.fleetName}-${props.name}`,
      code: props.code,
      handler: `${props.name}.handler`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      role,
      logGroup,
      environment: {
        ...props.environment,
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: props.name,
      },
      ...props.reach,
      ...(props.deadLetterQueue && { deadLetterQueue: props.deadLetterQueue }),
      ...(props.recursiveLoop && { recursiveLoop: props.recursiveLoop }),
    });
  }
}

const networkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** Lambda itself makes the network interfaces in the function's name; the function's code may not. */
function allowNetwork(role: Role, { fleetName, name }: ControlFunctionProps): void {
  const functionArn = Stack.of(role).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: `${fleetName}-${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  role.addToPolicy(
    new PolicyStatement({ sid: 'Network', actions: networkActions, resources: ['*'] }),
  );
  role.addToPolicy(
    new PolicyStatement({
      sid: 'NetworkNotByCode',
      effect: Effect.DENY,
      actions: networkActions,
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    }),
  );
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'Lambda needs these actions on interfaces that do not exist yet; the deny beside them takes them ' +
      "from the function's own code. DescribeInstances, where it is allowed, has no resources.",
  });
}
