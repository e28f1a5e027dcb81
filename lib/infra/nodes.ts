import { type Duration, type Size, Tags, Validations } from 'aws-cdk-lib';
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  type InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MachineImage,
} from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { tagFleet } from '../contract/env.ts';
import { nodePolicyPartition } from '../contract/keys.ts';
import { metricNamespace } from '../contract/metrics.ts';
import { agentBundle } from './agent-bundle.ts';
import type { FleetData } from './fleet-data.ts';
import { allowKey } from './key-use.ts';
import type { Network } from './network.ts';
import { dataDevice, nodeUserData } from './node-user-data.ts';

export interface NodesProps {
  readonly fleetName: string;
  readonly data: FleetData;
  readonly network: Network;
  readonly instanceType: InstanceType;
  readonly volumeSize: Size;
  readonly volumeThroughputMiB: number;
  readonly volumeIops: number;
  readonly capacityBytes: number;
  readonly heartbeatInterval: Duration;
  readonly backgroundRateBytes: number;
  readonly port: number;
}

/** How a storage node is launched and what it may do; which nodes there are is decided elsewhere. */
export class Nodes extends Construct {
  readonly role: Role;
  readonly launchTemplate: LaunchTemplate;
  /** The machine image's id, as the launch template names it. */
  readonly imageId: string;

  constructor(scope: Construct, id: string, props: NodesProps) {
    super(scope, id);
    const bundle = agentBundle(this, 'Agent');
    this.role = this.#role(props, bundle);
    const image = MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 });
    this.imageId = image.getImage(this).imageId;
    this.launchTemplate = new LaunchTemplate(this, 'Template', {
      instanceType: props.instanceType,
      machineImage: image,
      role: this.role,
      securityGroup: props.network.nodes,
      userData: nodeUserData(this, { environment: environmentOf(props, bundle) }),
      blockDevices: blockDevices(props),
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      httpEndpoint: true,
      // The agent learns its name and the key that it trusts from its tags.
      instanceMetadataTags: true,
      detailedMonitoring: true,
      ebsOptimized: true,
      // Lifted by the terminate step alone, after the proof.
      disableApiTermination: true,
    });
    Tags.of(this.launchTemplate).add(tagFleet, props.fleetName);
  }

  /** A node may beat, count, and fetch its program. It may not read or write the placement. */
  #role({ data }: NodesProps, bundle: Asset): Role {
    const role = new Role(this, 'Role', {
      description: 'Ballast storage nodes',
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
    });
    role.addToPolicy(
      new PolicyStatement({
        sid: 'Beat',
        actions: ['dynamodb:PutItem'],
        resources: [data.heartbeats.tableArn],
        conditions: leadingKeys('N#*'),
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        sid: 'AskHowToThrottle',
        actions: ['dynamodb:GetItem'],
        resources: [data.heartbeats.tableArn],
        conditions: leadingKeys(nodePolicyPartition),
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        sid: 'Count',
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': metricNamespace } },
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        sid: 'FetchBundle',
        actions: ['s3:GetObject'],
        resources: [bundle.bucket.arnForObjects(bundle.s3ObjectKey)],
      }),
    );
    allowKey(role, data.key, ['dynamodb']);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]',
      reason:
        'What the Systems Manager agent calls changes with its releases; AWS keeps this policy in step ' +
        'with it. It opens sessions without SSH, keys or an open port, and reaches no data of ours.',
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'PutMetricData has no resources; the namespace condition limits it to our own metrics.',
    });
    return role;
  }
}

/** Items of a table whose partition key is like `pattern`. */
const leadingKeys = (pattern: string) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [pattern] },
});

const environmentOf = (props: NodesProps, bundle: Asset) => ({
  BALLAST_FLEET: props.fleetName,
  BALLAST_HEARTBEATS_TABLE: props.data.heartbeats.tableName,
  BALLAST_BUNDLE: bundle.s3ObjectUrl,
  BALLAST_PORT: String(props.port),
  BALLAST_CAPACITY: String(props.capacityBytes),
  BALLAST_HEARTBEAT_SECONDS: String(props.heartbeatInterval.toSeconds()),
  BALLAST_BACKGROUND_RATE: String(props.backgroundRateBytes),
});

const rootVolumeGiB = 8;

/** Both volumes go with their instance: it is terminated only once nothing on it is placed. */
const blockDevices = (props: NodesProps) => [
  {
    deviceName: '/dev/xvda',
    volume: BlockDeviceVolume.ebs(rootVolumeGiB, {
      volumeType: EbsDeviceVolumeType.GP3,
      encrypted: true,
      kmsKey: props.data.key,
      deleteOnTermination: true,
    }),
  },
  {
    deviceName: dataDevice,
    volume: BlockDeviceVolume.ebs(props.volumeSize.toGibibytes(), {
      volumeType: EbsDeviceVolumeType.GP3,
      iops: props.volumeIops,
      throughput: props.volumeThroughputMiB,
      encrypted: true,
      kmsKey: props.data.key,
      deleteOnTermination: true,
    }),
  },
];
