import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import {
  metricJobsBlocked,
  metricMachinesLeaving,
  metricMovesStalled,
  metricNodesDead,
  metricZonesPaused,
} from '../contract/metrics.ts';
import type { Policy } from '../contract/policy.ts';
import { fleetMetric } from './fleet-metrics.ts';
import { type Queues, urgencies } from './queues.ts';
import { runbook } from './runbook.ts';
import type { WorkflowName } from './workflows/workflow.ts';

export interface OperationalAlarmsProps {
  readonly fleetName: string;
  readonly policy: Policy;
  readonly queues: Queues;
  readonly machines: Readonly<Record<WorkflowName, StateMachine>>;
  readonly actions: readonly IAlarmAction[];
}

interface Watched {
  readonly id: string;
  readonly metric: IMetric;
  readonly above: number;
  readonly periods: number;
  readonly what: string;
  readonly heading: string;
}

const minute = Duration.minutes(1);
/** Messages are taken at once unless workers are all busy; the pacer keeps queues shallow. */
const messageAgeMax = Duration.minutes(15);

/** Something that needs a person. Silence is good news here: these count what went wrong. */
export class OperationalAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: OperationalAlarmsProps) {
    super(scope, id);
    this.alarms = [...ofQueues(props), ...ofWorkflows(props), ...ofFleet(props)].map((watched) =>
      this.#alarm(props, watched),
    );
  }

  #alarm({ fleetName, actions }: OperationalAlarmsProps, watched: Watched): Alarm {
    const settings: AlarmProps = {
      alarmName: `${fleetName}-${kebab(watched.id)}`,
      alarmDescription: runbook(watched.what, watched.heading),
      metric: watched.metric,
      threshold: watched.above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: watched.periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    };
    const alarm = new Alarm(this, watched.id, settings);
    alarm.addAlarmAction(...actions);
    return alarm;
  }
}

function ofQueues({ queues }: OperationalAlarmsProps): readonly Watched[] {
  const dead = Object.entries(queues.dead).map(([name, queue]) => ({
    id: `Dead${capitalised(name)}`,
    metric: queue.metricApproximateNumberOfMessagesVisible({
      period: minute,
      statistic: Stats.MAXIMUM,
    }),
    above: 0,
    periods: 1,
    what: `Messages that no run could handle (${name})`,
    heading: 'dead-letters',
  }));
  const old = urgencies.map((name) => ({
    id: `Old${capitalised(name)}`,
    metric: queues.byName[name].metricApproximateAgeOfOldestMessage({
      period: minute,
      statistic: Stats.MAXIMUM,
    }),
    above: messageAgeMax.toSeconds(),
    periods: 5,
    what: `Batches wait too long for a worker (${name})`,
    heading: 'old-messages',
  }));
  return [...dead, ...old];
}

const ofWorkflows = ({ machines }: OperationalAlarmsProps): readonly Watched[] =>
  Object.entries(machines).map(([name, machine]) => ({
    id: `Failed${name.split('-').map(capitalised).join('')}`,
    metric: machine.metricFailed({ period: minute }),
    above: 0,
    periods: 1,
    what: `An execution failed (${name})`,
    heading: 'failed-executions',
  }));

/** A batch that nobody carries is told of once in `flightLimitMs`, and by a look a minute: in each such period. */
const stalledPeriod = ({ flightLimitMs }: Policy): Duration =>
  Duration.minutes(Math.ceil(flightLimitMs / minute.toMilliseconds()) + 2);

const ofFleet = ({ fleetName, policy }: OperationalAlarmsProps): readonly Watched[] => [
  {
    id: 'MovesStalled',
    metric: fleetMetric(fleetName, metricMovesStalled, stalledPeriod(policy)),
    above: 0,
    // One batch that is sent again was lost, and is nobody's worry.
    periods: 3,
    what: 'Moves make no progress',
    heading: 'stalled-moves',
  },
  {
    id: 'NodesDead',
    metric: fleetMetric(fleetName, metricNodesDead, minute, Stats.MAXIMUM),
    above: 0,
    periods: 1,
    what: 'A node is dead and its chunks are being repaired',
    heading: 'dead-nodes',
  },
  {
    id: 'JobsBlocked',
    metric: fleetMetric(fleetName, metricJobsBlocked, minute),
    above: 0,
    periods: 1,
    what: 'A job finds no way to go on',
    heading: 'blocked-jobs',
  },
  {
    id: 'MachinesLeaving',
    metric: fleetMetric(fleetName, metricMachinesLeaving, minute),
    above: 0,
    periods: 1,
    what: 'AWS takes machines away and their nodes are being drained',
    heading: 'machines-leaving',
  },
  {
    id: 'ZonesPaused',
    metric: fleetMetric(fleetName, metricZonesPaused, minute),
    above: 0,
    periods: 1,
    what: 'AWS calls a zone impaired, and planned moves from and to it wait',
    heading: 'zones-paused',
  },
];

const capitalised = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const kebab = (id: string): string => id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();
