import { CfnOutput, Duration, Size } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import {
  InstanceClass,
  InstanceSize,
  InstanceType,
  type ISecurityGroup,
  type IVpc,
} from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { agentPortDefault } from '../contract/agent.ts';
import type { ControlEnv } from '../contract/env.ts';
import { Policy } from '../contract/policy.ts';
import { FleetDashboard } from './fleet-dashboard.ts';
import { FleetData } from './fleet-data.ts';
import { Functions } from './functions.ts';
import { Network } from './network.ts';
import { Nodes } from './nodes.ts';
import { OperationalAlarms } from './operational-alarms.ts';
import { grantPermissions } from './permissions.ts';
import { Queues } from './queues.ts';
import { ScalingAlarms } from './scaling-alarms.ts';
import { asJson, controlEnv } from './settings.ts';
import { Triggers } from './triggers.ts';
import { Workflows } from './workflows/index.ts';

export interface StorageFleetProps {
  /**
   * Prefix of what is named; unique in its account and region. Lower-case letters, digits and hyphens.
   * @default 'ballast'
   */
  readonly fleetName?: string;
  /**
   * What must survive. Keep it in a stack of its own.
   * @default new tables, key, bucket and secret beside the fleet; deleting the stack leaves them
   */
  readonly data?: FleetData;
  /**
   * Network of the nodes. Its private subnets, in five zones at most, must reach DynamoDB, S3, SQS, Step
   * Functions, EC2, Secrets Manager, CloudWatch and Systems Manager.
   * @default a new one over three zones, without internet, with endpoints for these services
   */
  readonly vpc?: IVpc;
  /**
   * What operators may change later in the table; see contract/policy.ts.
   * @default the reference design's numbers
   */
  readonly policy?: Partial<Policy>;
  /**
   * A Graviton type.
   * @default m7g.large: its network's baseline, 117 MB/s, fits the 100 MB/s of migration that a node allows
   */
  readonly instanceType?: InstanceType;
  /** @default 1 TiB */
  readonly volumeSize?: Size;
  /**
   * Of the data volume, in MiB a second.
   * @default 250: clients' share beside 100 MB/s of migration
   */
  readonly volumeThroughputMiB?: number;
  /** @default 3000, which gp3 has at no charge */
  readonly volumeIops?: number;
  /** @default 95 % of the volume: the file system and half-written copies need the rest */
  readonly nodeCapacityBytes?: number;
  /**
   * Bytes a second that background transfers may use on a node, in and out each.
   * @default the policy's nodeRateBytes
   */
  readonly backgroundRateBytes?: number;
  /**
   * How often a node beats and publishes its metrics. A policy's deadAfterMs should be many of these.
   * @default 10 seconds
   */
  readonly heartbeatInterval?: Duration;
  /**
   * Period of the alarms that make the fleet grow and shrink: 10 or 30 seconds, or whole minutes. Below a
   * minute CloudWatch charges a high-resolution alarm.
   * @default 1 minute
   */
  readonly alarmPeriod?: Duration;
  /**
   * Periods above the mark to grow before the alarm; one of them may be missing.
   * @default 3
   */
  readonly alarmHighPeriods?: number;
  /** @default 3 */
  readonly alarmLowPeriods?: number;
  /**
   * Longest run of the functions that queues feed. A worker that is killed is not waited for: the pacer
   * sends its batch again once its sign of life stands still for the policy's flightLimitMs.
   * @default 15 minutes: a batch of 4 GiB at 10 MB/s takes seven, several side by side no longer
   */
  readonly queueFunctionTimeout?: Duration;
  /** @default 7070 */
  readonly port?: number;
  /**
   * What alarms for people do, e.g. an SnsAction.
   * @default nothing: they show on the dashboard and in the console
   */
  readonly operatorActions?: readonly IAlarmAction[];
}

/** A fleet of storage nodes that grows, shrinks and levels itself. */
export class StorageFleet extends Construct {
  readonly data: FleetData;
  readonly vpc: IVpc;
  /** For programs that read and write files: nodes let it in. */
  readonly clientSecurityGroup: ISecurityGroup;
  /** What became of jobs, nodes and zones: add rules to hear of it (contract/events.ts). */
  readonly events: EventBus;
  /** What the command line needs; also the stack's output `BallastSettings`, as JSON. */
  readonly settings: ControlEnv;

  constructor(scope: Construct, id: string, props: StorageFleetProps = {}) {
    super(scope, id);
    const given = withDefaults(props);
    const { fleetName, policy, port } = given;
    this.data = props.data ?? new FleetData(this, 'Data');
    const network = new Network(this, 'Network', { ...(props.vpc && { vpc: props.vpc }), port });
    this.vpc = network.vpc;
    this.clientSecurityGroup = network.clients;
    const queues = new Queues(this, 'Queues', { functionTimeout: given.queueFunctionTimeout });
    const nodes = new Nodes(this, 'Nodes', { ...given, data: this.data, network });
    this.events = new EventBus(this, 'Events', {
      eventBusName: fleetName,
      description: 'Ballast: what became of jobs, nodes and zones',
    });
    const parts = {
      ...{ fleetName, data: this.data, network, nodes, queues },
      events: this.events,
    };
    this.settings = controlEnv(this, { ...parts, policy, port });
    const { byName: functions } = new Functions(this, 'Functions', {
      fleetName,
      network,
      environment: this.settings,
      queueFunctionTimeout: given.queueFunctionTimeout,
      deadEvents: queues.dead.events,
    });
    grantPermissions({ ...parts, functions });
    new Triggers(this, 'Triggers', { functions, queues });
    const { machines } = new Workflows(this, 'Workflows', { fleetName, functions });
    this.#observe({ ...given, queues, functions, machines, zones: network.subnets.map(zoneOf) });
    new CfnOutput(this, 'Settings', {
      description: 'What the ballast command needs to steer this fleet',
      value: asJson(this, this.settings),
    }).overrideLogicalId('BallastSettings');
  }

  #observe(parts: Observed): void {
    const { functions, period, operatorActions: actions } = parts;
    new ScalingAlarms(this, 'Scaling', { ...parts, period, autoscaler: functions.autoscaler });
    new OperationalAlarms(this, 'Alarms', { ...parts, actions });
    new FleetDashboard(this, 'Dashboard', parts);
  }
}

const zoneOf = ({ availabilityZone }: { readonly availabilityZone: string }): string =>
  availabilityZone;

type Observed = ReturnType<typeof withDefaults> &
  Pick<
    ConstructorParameters<typeof FleetDashboard>[2],
    'functions' | 'machines' | 'queues' | 'zones'
  >;

const usableShare = 0.95;

function withDefaults(props: StorageFleetProps) {
  const volumeSize = props.volumeSize ?? Size.tebibytes(1);
  const capacityBytes = props.nodeCapacityBytes ?? Math.floor(volumeSize.toBytes() * usableShare);
  const policy = Policy.parse({ nodeCapacityBytes: capacityBytes, ...props.policy });
  return {
    fleetName: props.fleetName ?? 'ballast',
    policy,
    instanceType: props.instanceType ?? InstanceType.of(InstanceClass.M7G, InstanceSize.LARGE),
    volumeSize,
    volumeThroughputMiB: props.volumeThroughputMiB ?? 250,
    volumeIops: props.volumeIops ?? 3000,
    capacityBytes,
    backgroundRateBytes: props.backgroundRateBytes ?? policy.nodeRateBytes,
    heartbeatInterval: props.heartbeatInterval ?? Duration.seconds(10),
    period: props.alarmPeriod ?? Duration.minutes(1),
    highPeriods: props.alarmHighPeriods ?? 3,
    lowPeriods: props.alarmLowPeriods ?? 3,
    queueFunctionTimeout: props.queueFunctionTimeout ?? Duration.minutes(15),
    port: props.port ?? agentPortDefault,
    operatorActions: props.operatorActions ?? [],
  };
}
