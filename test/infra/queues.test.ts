import { beforeAll, expect, test } from 'vitest';
import { flat, ofType, type Resources, synthesise } from './synthesis.ts';

let all: Resources;
beforeAll(() => {
  all = synthesise().all;
});

const mappings = () =>
  ofType(all, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
const resource = (reference: unknown) =>
  all[flat(reference).slice(1, -1).split('.')[0]!]!.Properties;

test('each queue feeds one function, a bounded number at a time, and takes back what failed', () => {
  const bounds = mappings().map((mapping) => [
    flat(mapping.EventSourceArn).replace(/<FleetQueues|[0-9A-F]{8}\.Arn>/g, ''),
    mapping.ScalingConfig.MaximumConcurrency,
    mapping.BatchSize,
  ]);
  expect(Object.fromEntries(bounds.map(([name, ...rest]) => [name, rest]))).toEqual({
    Critical: [10, 10],
    High: [10, 10],
    Normal: [10, 10],
    Low: [5, 10],
    Sweep: [2, 10],
  });
  for (const { FunctionResponseTypes } of mappings()) {
    expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
  }
});

test('what a queue feeds may send to it as often as a job needs; Lambda ends a chain of 16 else', () => {
  const isFed = new Set(mappings().map(({ FunctionName }) => flat(FunctionName)));
  for (const [id, { Properties }] of ofType(all, 'AWS::Lambda::Function')) {
    expect([id, Properties.RecursiveLoop]).toEqual([
      id,
      isFed.has(`<${id}>`) ? 'Allow' : undefined,
    ]);
  }
});

test('a message stays away six times as long as its function may run', () => {
  for (const { EventSourceArn, FunctionName } of mappings()) {
    const { Timeout } = resource(FunctionName);
    expect(resource(EventSourceArn).VisibilityTimeout).toBe(6 * Timeout);
  }
});

test('each queue has a dead-letter queue of its own, which keeps messages longer', () => {
  const targets = mappings().map(({ EventSourceArn }) => {
    const { RedrivePolicy, MessageRetentionPeriod } = resource(EventSourceArn);
    const dead = resource(RedrivePolicy.deadLetterTargetArn);
    expect(RedrivePolicy.maxReceiveCount).toBe(5);
    expect(dead.MessageRetentionPeriod).toBeGreaterThan(MessageRetentionPeriod);
    return flat(RedrivePolicy.deadLetterTargetArn);
  });
  expect(new Set(targets).size).toBe(5);
});

test('every queue is encrypted', () => {
  for (const [, { Properties }] of ofType(all, 'AWS::SQS::Queue')) {
    expect(Properties.SqsManagedSseEnabled).toBe(true);
  }
});

test('every rule target and every function that events call has a dead-letter queue', () => {
  const targets = ofType(all, 'AWS::Events::Rule').flatMap(
    ([, { Properties }]) => Properties.Targets,
  );
  expect(targets).toHaveLength(8);
  for (const { Arn, DeadLetterConfig } of targets) {
    expect(flat(DeadLetterConfig.Arn)).toMatch(/EventsDead/);
    expect(flat(resource(Arn).DeadLetterConfig.TargetArn)).toMatch(/EventsDead/);
  }
  const [[, autoscaler]] = ofType(all, 'AWS::Lambda::Function').filter(([id]) =>
    id.includes('Autoscaler'),
  ) as [[string, Resources[string]]];
  expect(flat(autoscaler.Properties.DeadLetterConfig.TargetArn)).toMatch(/EventsDead/);
});

test('only AWS services by this account’s own rules may send to a queue from outside', () => {
  for (const [, { Properties }] of ofType(all, 'AWS::SQS::QueuePolicy')) {
    for (const { Effect, Principal, Condition } of Properties.PolicyDocument.Statement) {
      if (Effect !== 'Allow') continue;
      expect(Principal).toEqual({ Service: 'events.amazonaws.com' });
      expect(JSON.stringify(Condition)).toContain('"aws:SourceArn"');
    }
  }
});

test('the watch, the sweep and the telling of events run every minute; the sweep takes every node', () => {
  const rules = ofType(all, 'AWS::Events::Rule').map(([, { Properties }]) => Properties);
  const ticks = rules.filter(({ ScheduleExpression }) => ScheduleExpression === 'rate(1 minute)');
  expect(
    ticks.flatMap(({ Targets }) => Targets.map(({ Input }: { Input?: string }) => Input)).sort(),
  ).toEqual(['{"nodes":[]}', undefined, undefined]);
});

test('functions run current Node on Graviton, know every setting, and log for a bounded time', () => {
  const functions = ofType(all, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties);
  expect(functions).toHaveLength(15);
  for (const { Architectures, Runtime, Environment, LoggingConfig } of functions) {
    expect([Runtime, Architectures]).toEqual(['nodejs24.x', ['arm64']]);
    expect(
      Object.keys(Environment.Variables).filter((name) => name.startsWith('BALLAST_')),
    ).toHaveLength(20);
    expect(resource(LoggingConfig.LogGroup).RetentionInDays).toBe(30);
  }
});
