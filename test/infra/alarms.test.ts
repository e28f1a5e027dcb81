import { readFileSync } from 'node:fs';
import { Duration } from 'aws-cdk-lib';
import { beforeAll, expect, test } from 'vitest';
import { pace } from '../../lib/control/pace.ts';
import { stateFrom } from '../../lib/local/alarm-state.ts';
import { sent } from '../control/moving.ts';
import { flat, ofType, type Resources, synthesise } from './synthesis.ts';

let all: Resources;
beforeAll(() => {
  all = synthesise({
    policy: { fillHigh: 0.6, fillLow: 0.2 },
    alarmPeriod: Duration.seconds(10),
  }).all;
});

const alarms = () => ofType(all, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
const alarm = (name: string) => alarms().find(({ AlarmName }) => AlarmName === name);

test.each([
  ['ballast-fill-high', 60, 'GreaterThanThreshold', 3, 2],
  ['ballast-fill-low', 20, 'LessThanThreshold', 3, undefined],
])(
  '%s compares the fullest zone with the policy’s mark',
  (name, mark, comparison, periods, points) => {
    const found = alarm(name);
    expect(found).toMatchObject({
      Threshold: mark,
      ComparisonOperator: comparison,
      EvaluationPeriods: periods,
      TreatMissingData: 'missing',
    });
    expect(found.DatapointsToAlarm).toBe(points);
    expect(flat(found.AlarmActions[0])).toMatch(/FunctionsAutoscaler/);
    const [expression, ...metrics] = found.Metrics;
    expect(expression.Expression).toBe('MAX([u0/c0*100, u1/c1*100, u2/c2*100])');
    expect(
      metrics.map(({ MetricStat }: { MetricStat: { Period: number } }) => MetricStat.Period),
    ).toEqual(Array.from({ length: 6 }, () => 10));
  },
);

test('alarms may call the autoscaler, from this account only', () => {
  const permissions = ofType(all, 'AWS::Lambda::Permission')
    .map(([, { Properties }]) => Properties)
    .filter(({ Principal }) => Principal === 'lambda.alarms.cloudwatch.amazonaws.com');
  expect(permissions).toHaveLength(2);
  for (const { SourceArn, SourceAccount } of permissions) {
    expect(flat(SourceArn)).toMatch(/FleetScaling/);
    expect(SourceAccount).toEqual({ Ref: 'AWS::AccountId' });
  }
});

test('every alarm names a heading that the runbook has', () => {
  const headings = readFileSync('docs/runbook.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('## '))
    .map((line) => line.slice(3).toLowerCase().replaceAll(' ', '-'));
  expect(alarms().length).toBeGreaterThanOrEqual(18);
  for (const { AlarmDescription } of alarms()) {
    const [, heading] = /docs\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription) ?? [];
    expect(headings).toContain(heading);
  }
});

test('every dead-letter queue, workflow and queue of moves is watched', () => {
  const names = alarms().map(({ AlarmName }) => AlarmName);
  expect(names).toEqual(
    expect.arrayContaining([
      ...['critical', 'high', 'normal', 'low', 'sweep', 'events'].map(
        (name) => `ballast-dead-${name}`,
      ),
      ...['critical', 'high', 'normal', 'low'].map((name) => `ballast-old-${name}`),
      ...['scale-out', 'drain', 'rebalance', 'repair'].map((name) => `ballast-failed-${name}`),
      'ballast-moves-stalled',
      'ballast-nodes-dead',
      'ballast-machines-leaving',
      'ballast-zones-paused',
    ]),
  );
});

test('a batch that nobody carries raises the alarm of stalled moves', async () => {
  const { world, ports } = await sent();
  const {
    Period,
    EvaluationPeriods,
    DatapointsToAlarm = EvaluationPeriods,
  } = alarm('ballast-moves-stalled');
  const rule = {
    comparison: 'GreaterThanThreshold',
    threshold: 0,
    evaluationPeriods: EvaluationPeriods,
    datapointsToAlarm: DatapointsToAlarm,
    missingData: 'notBreaching',
  } as const;
  const points: (number | undefined)[] = [];
  for (let minute = 0; minute < 60; minute += Period / 60) {
    const before = world.logged.length;
    for (let tick = 0; tick < Period / 60; tick++) {
      world.pass(60_000);
      await pace(ports);
    }
    const said = world.logged.slice(before).filter((event) => event === 'flight-silent').length;
    points.push(said === 0 ? undefined : said);
  }
  expect(stateFrom(rule, points.slice(-EvaluationPeriods), 'OK')).toBe('ALARM');
  expect(stateFrom(rule, [undefined, 1, undefined].slice(0, EvaluationPeriods), 'OK')).toBe('OK');
});
