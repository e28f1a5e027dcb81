import { z } from 'zod/mini';
import { isComparison } from './alarm-state.ts';
import type { AlarmSettings, MetricQuery } from './alarms.ts';
import { seriesReader } from './alarms.ts';
import { compileCompositeRule } from './composite-rule.ts';
import { type Planner, propertiesOf, type Resolved, refuseProperty } from './deployment.ts';
import { checkPattern } from './event-pattern.ts';
import { asRecord, Dimensions, Query, queryOf, Statistic } from './metric-query.ts';
import { parseSchedule } from './schedule-expression.ts';

const actions = {
  AlarmDescription: z.optional(z.string()),
  ActionsEnabled: z.optional(z.boolean()),
  AlarmActions: z.optional(z.array(z.string())),
  OKActions: z.optional(z.array(z.string())),
  InsufficientDataActions: z.optional(z.array(z.string())),
};
const Alarm = z.object({
  ...actions,
  ComparisonOperator: z.string().check(z.refine(isComparison)),
  Threshold: z.coerce.number(),
  EvaluationPeriods: z.coerce.number(),
  DatapointsToAlarm: z.optional(z.coerce.number()),
  TreatMissingData: z.optional(z.enum(['breaching', 'notBreaching', 'ignore', 'missing'])),
  Namespace: z.optional(z.string()),
  MetricName: z.optional(z.string()),
  Dimensions,
  Period: z.optional(z.coerce.number()),
  Statistic: z.optional(Statistic),
  ExtendedStatistic: z.optional(Statistic),
  Metrics: z.optional(z.array(Query)),
});
type Alarm = z.infer<typeof Alarm>;
const Composite = z.object({ ...actions, AlarmRule: z.string() });

function queriesOf(alarm: Alarm): MetricQuery[] {
  if (alarm.Metrics) return alarm.Metrics.map(queryOf);
  const { Namespace = '', MetricName = '', Period = 60 } = alarm;
  const statistic = alarm.Statistic ?? alarm.ExtendedStatistic ?? 'Average';
  const metric = { namespace: Namespace, name: MetricName, dimensions: asRecord(alarm.Dimensions) };
  return [{ id: 'm1', source: { metric, statistic, periodSeconds: Period }, returnsData: 'yes' }];
}

function settingsOf(
  resource: Resolved,
  common: z.infer<z.ZodMiniObject<typeof actions>>,
  rest: Pick<AlarmSettings, 'rule' | 'periodSeconds' | 'queries'>,
): AlarmSettings {
  return {
    name: resource.identity.name,
    arn: resource.identity.attributes.Arn ?? '',
    description: common.AlarmDescription,
    actionsEnabled: common.ActionsEnabled === false ? 'no' : 'yes',
    actions: {
      ALARM: common.AlarmActions ?? [],
      OK: common.OKActions ?? [],
      INSUFFICIENT_DATA: common.InsufficientDataActions ?? [],
    },
    ...rest,
  };
}

const planAlarm: Planner = (resource, { alarms }) => {
  const alarm = propertiesOf(resource, Alarm);
  const queries = queriesOf(alarm);
  orRefuse(resource, () => seriesReader(queries));
  const period =
    queries.flatMap(({ source }) => ('metric' in source ? source.periodSeconds : []))[0] ??
    alarm.Metrics?.find(({ Period }) => Period)?.Period ??
    60;
  const rule = {
    comparison: alarm.ComparisonOperator,
    threshold: alarm.Threshold,
    evaluationPeriods: alarm.EvaluationPeriods,
    datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
    missingData: alarm.TreatMissingData ?? 'missing',
  };
  alarms.push(settingsOf(resource, alarm, { rule, queries, periodSeconds: period }));
};

/** A composite has no metric: its rule alone decides. */
const noRule = {
  comparison: 'GreaterThanThreshold',
  threshold: 0,
  evaluationPeriods: 1,
  datapointsToAlarm: 1,
  missingData: 'missing',
} as const;

const planComposite: Planner = (resource, { composites }) => {
  const composite = propertiesOf(resource, Composite);
  orRefuse(resource, () => compileCompositeRule(composite.AlarmRule));
  const settings = settingsOf(resource, composite, { rule: noRule, periodSeconds: 1, queries: [] });
  composites.push({ settings, rule: composite.AlarmRule });
};

const Target = z.object({
  Arn: z.string(),
  Input: z.optional(z.string()),
  InputPath: z.optional(z.string()),
  InputTransformer: z.optional(
    z.object({
      InputPathsMap: z.optional(z.record(z.string(), z.string())),
      InputTemplate: z.string(),
    }),
  ),
});
const Rule = z.object({
  EventBusName: z.optional(z.string()),
  EventPattern: z.optional(z.unknown()),
  ScheduleExpression: z.optional(z.string()),
  State: z.optional(z.string()),
  Targets: z.optional(z.array(Target)),
});
const Schedule = z.object({
  ScheduleExpression: z.string(),
  State: z.optional(z.string()),
  Target: z.object({ Arn: z.string(), Input: z.optional(z.string()) }),
});

const planRule: Planner = (resource, { rules }) => {
  const rule = propertiesOf(resource, Rule);
  if (rule.State === 'DISABLED') return;
  orRefuse(resource, () => {
    if (rule.ScheduleExpression) parseSchedule(rule.ScheduleExpression);
    if (rule.EventPattern) checkPattern(rule.EventPattern);
  });
  const { name, attributes } = resource.identity;
  rules.push({
    name,
    arn: attributes.Arn ?? '',
    bus: rule.EventBusName?.split('/').at(-1) ?? 'default',
    pattern: rule.EventPattern,
    schedule: rule.ScheduleExpression,
    targets: (rule.Targets ?? []).map((target) => ({
      arn: target.Arn,
      input: target.Input,
      inputPath: target.InputPath,
      transformer: target.InputTransformer && {
        paths: target.InputTransformer.InputPathsMap ?? {},
        template: target.InputTransformer.InputTemplate,
      },
    })),
  });
};

const planSchedule: Planner = (resource, { rules }) => {
  const { ScheduleExpression, State, Target: target } = propertiesOf(resource, Schedule);
  if (State === 'DISABLED') return;
  orRefuse(resource, () => parseSchedule(ScheduleExpression));
  const { name, attributes } = resource.identity;
  rules.push({
    name,
    arn: attributes.Arn ?? '',
    bus: 'default',
    pattern: undefined,
    schedule: ScheduleExpression,
    targets: [
      { arn: target.Arn, input: target.Input, inputPath: undefined, transformer: undefined },
    ],
  });
};

function orRefuse(resource: Resolved, check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw refuseProperty(resource, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

export const signalPlanners: Readonly<Record<string, Planner>> = {
  'AWS::CloudWatch::Alarm': planAlarm,
  'AWS::CloudWatch::CompositeAlarm': planComposite,
  'AWS::Events::Rule': planRule,
  'AWS::Scheduler::Schedule': planSchedule,
};
