import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import {
  metricBytesMoved,
  metricForegroundP99,
  metricJobsBlocked,
  metricMovesCommitted,
  metricMovesStalled,
  metricNodesDead,
} from '../contract/metrics.ts';
import { fleetMetric, fullestZone, zoneMetric } from './fleet-metrics.ts';
import type { FunctionName } from './functions.ts';
import type { Queues } from './queues.ts';
import type { WorkflowName } from './workflows/workflow.ts';

export interface FleetDashboardProps {
  readonly fleetName: string;
  readonly zones: readonly string[];
  readonly queues: Queues;
  readonly machines: Readonly<Record<WorkflowName, StateMachine>>;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
}

const period = Duration.minutes(1);

/** One page: is there room, do clients suffer, do moves advance, does anything fail. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, props: FleetDashboardProps) {
    super(scope, id);
    const { fleetName, zones, queues, machines, functions } = props;
    const counted = (name: string) => fleetMetric(fleetName, name, period);
    const dashboard = new Dashboard(this, 'Page', { dashboardName: fleetName });
    dashboard.addWidgets(
      graph('Fill', [fullestZone(fleetName, zones, period)]),
      graph(
        'Clients: p99 of the slowest node (ms)',
        zones.map((zone) =>
          zoneMetric(fleetName, zone, metricForegroundP99, period, Stats.MAXIMUM),
        ),
      ),
      graph('Nodes dead, jobs blocked', [counted(metricNodesDead), counted(metricJobsBlocked)]),
    );
    dashboard.addWidgets(
      graph('Moves', [counted(metricMovesCommitted), counted(metricMovesStalled)]),
      graph('Bytes moved', [counted(metricBytesMoved)]),
      graph(
        'Messages waiting',
        Object.values(queues.byName).map((queue) =>
          queue.metricApproximateNumberOfMessagesVisible({ period }),
        ),
      ),
    );
    dashboard.addWidgets(
      graph(
        'Executions failed',
        Object.values(machines).map((machine) => machine.metricFailed({ period })),
      ),
      graph(
        'Function errors',
        Object.values(functions).map((handler) => handler.metricErrors({ period })),
      ),
      graph(
        'Dead letters',
        Object.values(queues.dead).map((queue) =>
          queue.metricApproximateNumberOfMessagesVisible({ period }),
        ),
      ),
    );
  }
}

const graph = (title: string, left: IMetric[]): GraphWidget =>
  new GraphWidget({ title, left, width: 8, height: 6 });
