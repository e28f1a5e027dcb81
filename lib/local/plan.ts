import type { Assembly } from './assembly.ts';
import { type Deployment, emptyDeployment, type Planner } from './deployment.ts';
import { computePlanners } from './plan-compute.ts';
import { signalPlanners } from './plan-signals.ts';
import { storagePlanners } from './plan-storage.ts';
import { LocalCloudRefusal } from './refusal.ts';
import { type Place, Resolver } from './resolver.ts';

const planners: Readonly<Record<string, Planner>> = {
  ...storagePlanners,
  ...computePlanners,
  ...signalPlanners,
};

/** Types that change nothing on one machine: who may do what, networks, encryption, views, housekeeping. */
const withoutLocalEffect = new Set([
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Dashboard',
  'AWS::EC2::EIP',
  'AWS::EC2::FlowLog',
  'AWS::EC2::GatewayRouteTableAssociation',
  'AWS::EC2::InternetGateway',
  'AWS::EC2::NatGateway',
  'AWS::EC2::NetworkAcl',
  'AWS::EC2::NetworkAclEntry',
  'AWS::EC2::Route',
  'AWS::EC2::RouteTable',
  'AWS::EC2::SecurityGroup',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::SubnetNetworkAclAssociation',
  'AWS::EC2::SubnetRouteTableAssociation',
  'AWS::EC2::VPC',
  'AWS::EC2::VPCEndpoint',
  'AWS::EC2::VPCGatewayAttachment',
  'AWS::Events::EventBus',
  'AWS::Events::EventBusPolicy',
  'AWS::IAM::InstanceProfile',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  'AWS::Lambda::Alias',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Version',
  'AWS::Logs::LogGroup',
  'AWS::Logs::ResourcePolicy',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::SecretsManager::ResourcePolicy',
  'AWS::SSM::Parameter',
  'Custom::LogRetention',
  'Custom::S3AutoDeleteObjects',
  'Custom::VpcRestrictDefaultSG',
]);

export interface Planned {
  readonly deployment: Deployment;
  /** Every stack's outputs by logical id, `stack.id` and export name. */
  readonly outputs: Record<string, string>;
}

/** Resolves every stack; refuses a type that has no counterpart here, by its name. */
export function planDeployment(assembly: Assembly, place: Place): Planned {
  const resolvers = new Map<string, Resolver>();
  for (const stack of assembly.stacks)
    resolvers.set(stack.name, new Resolver(stack, place, () => resolvers));
  const deployment = emptyDeployment();
  for (const resolver of resolvers.values()) planStack(resolver, assembly, deployment);
  return { deployment, outputs: outputsOf([...resolvers.values()]) };
}

function planStack(resolver: Resolver, assembly: Assembly, deployment: Deployment): void {
  for (const [logicalId, resource] of Object.entries(resolver.stack.template.Resources)) {
    const { Type: type, Condition, Properties } = resource;
    const plan = planners[type];
    if (!plan && !withoutLocalEffect.has(type))
      throw new LocalCloudRefusal(
        'unsupported-resource',
        `The local cloud cannot run ${type} (${logicalId} in stack ${resolver.stack.name}).`,
      );
    if (!plan || !resolver.holds(Condition)) continue;
    const properties = resolver.resolve(Properties ?? {});
    const identity = resolver.identity(logicalId);
    plan({ logicalId, type, identity, properties, resolver, assembly }, deployment);
  }
}

function outputsOf(resolvers: readonly Resolver[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const resolver of resolvers)
    for (const { id, exported, value } of resolver.outputs()) {
      found[id] = value;
      found[`${resolver.stack.name}.${id}`] = value;
      if (exported !== undefined) found[exported] = value;
    }
  return found;
}
