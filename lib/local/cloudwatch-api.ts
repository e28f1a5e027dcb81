import { z } from 'zod/mini';
import type { AlarmBoard } from './alarm-board.ts';
import type { AlarmSettings, AlarmState } from './alarms.ts';
import { seriesReader } from './alarms.ts';
import { asRecord, Dimensions, Query, queryOf, Statistic } from './metric-query.ts';
import { type Metrics, statisticOf } from './metrics.ts';
import { parseInput } from './parse-input.ts';
import { AwsError } from './refusal.ts';
import { type Backend, jsonService } from './wire.ts';

const Datum = z.object({
  MetricName: z.string(),
  Dimensions,
  Timestamp: z.optional(z.number()),
  Value: z.optional(z.number()),
  Values: z.optional(z.array(z.number())),
  Counts: z.optional(z.array(z.number())),
  StatisticValues: z.optional(
    z.object({
      SampleCount: z.number(),
      Sum: z.number(),
      Minimum: z.number(),
      Maximum: z.number(),
    }),
  ),
});
type Datum = z.infer<typeof Datum>;
const Put = z.object({ Namespace: z.string(), MetricData: z.optional(z.array(Datum)) });
const Statistics = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions,
  StartTime: z.number(),
  EndTime: z.number(),
  Period: z.number().check(z.positive()),
  Statistics: z.optional(z.array(Statistic)),
  ExtendedStatistics: z.optional(z.array(Statistic)),
});
const Data = z.object({
  StartTime: z.number(),
  EndTime: z.number(),
  MetricDataQueries: z.array(Query),
});
const Describe = z.object({
  AlarmNames: z.optional(z.array(z.string())),
  AlarmNamePrefix: z.optional(z.string()),
  StateValue: z.optional(z.string()),
});
const SetState = z.object({
  AlarmName: z.string(),
  StateValue: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
  StateReason: z.string(),
});

/** CloudWatch answers at most this many points. */
const pointsMax = 1_440;

/** Value and weight pairs; a set of statistics keeps its minimum, maximum, sum and count exactly. */
function valuesOf({ Value, Values, Counts, StatisticValues }: Datum): [number, number][] {
  if (Values) return Values.map((value, i) => [value, Counts?.[i] ?? 1]);
  if (Value !== undefined) return [[Value, 1]];
  if (!StatisticValues) return [];
  const { SampleCount, Sum, Minimum, Maximum } = StatisticValues;
  if (SampleCount <= 2)
    return SampleCount === 2
      ? [
          [Minimum, 1],
          [Maximum, 1],
        ]
      : [[Sum, 1]];
  const between = (Sum - Minimum - Maximum) / (SampleCount - 2);
  return [
    [Minimum, 1],
    [Maximum, 1],
    [between, SampleCount - 2],
  ];
}

function put(metrics: Metrics, input: unknown): Record<string, never> {
  const { Namespace: namespace, MetricData = [] } = parseInput(Put, input);
  for (const datum of MetricData)
    for (const [value, weight] of valuesOf(datum))
      metrics.put({
        namespace,
        name: datum.MetricName,
        dimensions: asRecord(datum.Dimensions),
        time: datum.Timestamp === undefined ? Date.now() : datum.Timestamp * 1000,
        value,
        weight,
      });
  return {};
}

/** The starts of the periods of `period` seconds from `start` to before `end` (seconds). */
function periods(start: number, end: number, period: number): number[] {
  const first = Math.floor(start / period) * period;
  const count = Math.max(0, Math.ceil((end - first) / period));
  if (count > pointsMax)
    throw new AwsError('InvalidParameterValue', `${count} data points are over ${pointsMax}.`);
  return Array.from({ length: count }, (_, i) => first + i * period);
}

function statistics(metrics: Metrics, input: unknown) {
  const asked = parseInput(Statistics, input);
  const names = [...(asked.Statistics ?? []), ...(asked.ExtendedStatistics ?? [])];
  const metric = {
    namespace: asked.Namespace,
    name: asked.MetricName,
    dimensions: asRecord(asked.Dimensions),
  };
  const points = periods(asked.StartTime, asked.EndTime, asked.Period).flatMap((from) => {
    const samples = metrics.within(metric, from * 1000, (from + asked.Period) * 1000);
    if (samples.length === 0) return [];
    const values = names.map((name) => [name, statisticOf(name, samples)] as const);
    const plain = Object.fromEntries(values.filter(([name]) => !name.startsWith('p')));
    const extended = Object.fromEntries(values.filter(([name]) => name.startsWith('p')));
    return [{ Timestamp: from, ...plain, ExtendedStatistics: extended }];
  });
  return { Label: asked.MetricName, Datapoints: points };
}

function data(metrics: Metrics, input: unknown) {
  const { StartTime, EndTime, MetricDataQueries } = parseInput(Data, input);
  const read = seriesReader(MetricDataQueries.map(queryOf));
  const common = MetricDataQueries.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period ?? 60;
  return {
    MetricDataResults: MetricDataQueries.filter(({ ReturnData }) => ReturnData !== false).map(
      ({ Id, Label, Period, MetricStat }) => {
        const period = MetricStat?.Period ?? Period ?? common;
        const points = periods(StartTime, EndTime, period).flatMap((from) => {
          const value = read(metrics, Id, from * 1000, (from + period) * 1000);
          return value === undefined ? [] : [{ from, value }];
        });
        points.reverse(); // CloudWatch answers the newest first
        const Timestamps = points.map(({ from }) => from);
        const Values = points.map(({ value }) => value);
        return { Id, Label: Label ?? Id, Timestamps, Values, StatusCode: 'Complete' };
      },
    ),
    Messages: [],
  };
}

const describeOne = ({ settings, state }: { settings: AlarmSettings; state: AlarmState }) => ({
  AlarmName: settings.name,
  AlarmArn: settings.arn,
  AlarmDescription: settings.description,
  ActionsEnabled: settings.actionsEnabled === 'yes',
  OKActions: settings.actions.OK,
  AlarmActions: settings.actions.ALARM,
  InsufficientDataActions: settings.actions.INSUFFICIENT_DATA,
  StateValue: state.value,
  StateReason: state.reason,
  StateUpdatedTimestamp: state.timestamp.getTime() / 1000,
  Period: settings.periodSeconds,
  EvaluationPeriods: settings.rule.evaluationPeriods,
  DatapointsToAlarm: settings.rule.datapointsToAlarm,
  Threshold: settings.rule.threshold,
  ComparisonOperator: settings.rule.comparison,
  TreatMissingData: settings.rule.missingData,
});

function describe(board: AlarmBoard, input: unknown) {
  const { AlarmNames, AlarmNamePrefix, StateValue } = parseInput(Describe, input);
  const found = board
    .list()
    .filter(({ settings }) => !AlarmNames?.length || AlarmNames.includes(settings.name))
    .filter(({ settings }) => settings.name.startsWith(AlarmNamePrefix ?? ''))
    .filter(({ state }) => !StateValue || state.value === StateValue);
  return { MetricAlarms: found.map(describeOne), CompositeAlarms: [] };
}

/** CloudWatch's actions on metrics and alarms. */
export const cloudwatchBackend = (metrics: Metrics, board: AlarmBoard): Backend =>
  jsonService({
    PutMetricData: (input) => put(metrics, input),
    GetMetricStatistics: (input) => statistics(metrics, input),
    GetMetricData: (input) => data(metrics, input),
    DescribeAlarms: (input) => describe(board, input),
    SetAlarmState: (input) => {
      const { AlarmName, StateValue, StateReason } = parseInput(SetState, input);
      board.force(AlarmName, StateValue, StateReason);
      return {};
    },
  });
