import type { AlarmChange, AlarmSettings, AlarmState } from './alarms.ts';
import type { EventBus } from './event-bus.ts';
import type { Functions } from './functions.ts';
import { accountId } from './principals.ts';

export interface Notification {
  readonly topic: string;
  readonly subject: string;
  readonly time: string;
}

/** The last so many are kept for the inspection page. */
export const notificationsMax = 1_000;

export interface AlarmTargets {
  readonly functions: Functions;
  readonly bus: EventBus;
  readonly region: string;
  readonly log: (line: string) => void;
  readonly notifications: Notification[];
}

/** Runs an alarm's actions: functions get what CloudWatch sends them, topics are recorded, the bus hears of it. */
export function runAlarmActions(change: AlarmChange, targets: AlarmTargets): void {
  const { settings, state, previous } = change;
  targets.log(`alarm ${settings.name}: ${previous.value} → ${state.value} (${state.reason})`);
  targets.bus.put({
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    resources: [settings.arn],
    detail: { alarmName: settings.name, state: stateOf(state), previousState: stateOf(previous) },
  });
  if (settings.actionsEnabled === 'no') return;
  for (const action of settings.actions[state.value]) runAction(action, change, targets);
}

function runAction(action: string, change: AlarmChange, targets: AlarmTargets): void {
  if (targets.functions.has(action)) {
    targets.functions.invokeLater(action, alarmEvent(change, targets.region));
  } else if (action.includes(':sns:')) {
    const subject = `${change.state.value}: ${change.settings.name}`;
    targets.notifications.push({ topic: action, subject, time: new Date().toISOString() });
    targets.notifications.splice(0, targets.notifications.length - notificationsMax);
  } else targets.log(`alarm ${change.settings.name}: no local effect of action ${action}`);
}

const stateOf = ({ value, reason, timestamp }: AlarmState) => ({
  value,
  reason,
  timestamp: timestamp.toISOString().replace('Z', '+0000'),
});

const alarmEvent = ({ settings, state, previous }: AlarmChange, region: string) => ({
  source: 'aws.cloudwatch',
  alarmArn: settings.arn,
  accountId,
  time: state.timestamp.toISOString().replace('Z', '+0000'),
  region,
  alarmData: {
    alarmName: settings.name,
    state: stateOf(state),
    previousState: stateOf(previous),
    configuration: { description: settings.description, metrics: metricsOf(settings) },
  },
});

const metricsOf = ({ queries }: AlarmSettings) =>
  queries.map(({ id, source, returnsData }) => ({
    id,
    ...('metric' in source
      ? {
          metricStat: {
            metric: source.metric,
            period: source.periodSeconds,
            stat: source.statistic,
          },
        }
      : { expression: source.expression }),
    returnData: returnsData === 'yes',
  }));
