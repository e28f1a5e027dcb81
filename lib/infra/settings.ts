import { Fn, Stack } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { ControlEnv } from '../contract/env.ts';
import type { Policy } from '../contract/policy.ts';
import type { FleetData } from './fleet-data.ts';
import type { Network } from './network.ts';
import type { Nodes } from './nodes.ts';
import type { Queues } from './queues.ts';
import { workflowArn } from './workflows/workflow.ts';

export interface SettingsProps {
  readonly fleetName: string;
  readonly policy: Policy;
  readonly port: number;
  readonly data: FleetData;
  readonly network: Network;
  readonly nodes: Nodes;
  readonly queues: Queues;
  readonly events: EventBus;
}

/** What every function and the command line are told: about 2 KB of Lambda's 4 KB. */
export function controlEnv(scope: Construct, props: SettingsProps): ControlEnv {
  const { fleetName, data, network, nodes, queues, events } = props;
  const subnets = network.subnets.map(({ availabilityZone, subnetId }) =>
    Fn.join('=', [availabilityZone, subnetId]),
  );
  return {
    BALLAST_FLEET: fleetName,
    BALLAST_TABLE: data.placement.tableName,
    BALLAST_FILES_TABLE: data.files.tableName,
    BALLAST_HEARTBEATS_TABLE: data.heartbeats.tableName,
    BALLAST_BUCKET: data.bucket.bucketName,
    BALLAST_SECRET: data.secret.secretArn,
    BALLAST_LAUNCH_TEMPLATE: nodes.launchTemplate.launchTemplateId!,
    BALLAST_SUBNETS: Fn.join(',', subnets),
    BALLAST_QUEUE_CRITICAL: queues.byName.critical.queueUrl,
    BALLAST_QUEUE_HIGH: queues.byName.high.queueUrl,
    BALLAST_QUEUE_NORMAL: queues.byName.normal.queueUrl,
    BALLAST_QUEUE_LOW: queues.byName.low.queueUrl,
    BALLAST_QUEUE_SWEEP: queues.byName.sweep.queueUrl,
    BALLAST_EVENT_BUS: events.eventBusName,
    BALLAST_WORKFLOW_SCALE_OUT: workflowArn(scope, fleetName, 'scale-out'),
    BALLAST_WORKFLOW_DRAIN: workflowArn(scope, fleetName, 'drain'),
    BALLAST_WORKFLOW_REBALANCE: workflowArn(scope, fleetName, 'rebalance'),
    BALLAST_WORKFLOW_REPAIR: workflowArn(scope, fleetName, 'repair'),
    BALLAST_POLICY: JSON.stringify(props.policy),
    BALLAST_PORT: String(props.port),
  };
}

/** The settings as one JSON text that survives references in it. */
export const asJson = (scope: Construct, env: ControlEnv): string =>
  Stack.of(scope).toJsonString(env);
