import { describe, expect, test } from 'vitest';
import type { AlarmValue } from '../../lib/local/alarm-state.ts';
import { compileCompositeRule } from '../../lib/local/composite-rule.ts';
import { inputOf } from '../../lib/local/event-targets.ts';
import { metricsIn } from '../../lib/local/metrics-in-logs.ts';
import { readUserData } from '../../lib/local/user-data.ts';

describe('a composite alarm’s rule', () => {
  const states: Record<string, AlarmValue> = { fill: 'ALARM', dead: 'OK' };
  test.each<[rule: string, holds: boolean]>([
    ['ALARM("fill") AND ALARM("dead")', false],
    ['ALARM("fill") OR ALARM("dead")', true],
    ['ALARM(fill) AND NOT ALARM(dead)', true],
    ['(ALARM("dead") OR TRUE) AND OK("dead")', true],
    ['ALARM("arn:aws:cloudwatch:us-east-1:000000000000:alarm:fill")', true],
  ])('%s holds: %s', (rule, holds) =>
    expect(compileCompositeRule(rule)((alarm) => states[alarm])).toBe(holds),
  );
  test('that is cut off is refused', () =>
    expect(() => compileCompositeRule('ALARM("fill"')).toThrow('alarm rule'));
});

describe('what a rule’s target gets', () => {
  const event = { source: 's', detail: { id: 'i-1', size: 3, name: 'a "b"' } };
  const none = { arn: '', input: undefined, inputPath: undefined, transformer: undefined };
  const by = (template: string) => {
    const paths = { id: '$.detail.id', size: '$.detail.size', name: '$.detail.name' };
    return inputOf({ ...none, transformer: { paths, template } })(event);
  };
  test('is the event, its input, a path of it, or a template', () => {
    expect(inputOf(none)(event)).toBe(event);
    expect(inputOf({ ...none, input: '{"tick":1}' })(event)).toEqual({ tick: 1 });
    expect(inputOf({ ...none, inputPath: '$.detail.size' })(event)).toBe(3);
    expect(by('{"node":<id>,"n":<size>,"text":"<id> has <size>"}')).toEqual({
      node: 'i-1',
      n: 3,
      text: 'i-1 has 3',
    });
    expect(by('{"quoted":<name>,"inside":"<name>"}')).toEqual({
      quoted: 'a "b"',
      inside: 'a "b"',
    });
  });
});

describe('a line of a function’s log', () => {
  test('in the embedded metric format is a metric for each dimension set and value', () => {
    const line = JSON.stringify({
      _aws: {
        Timestamp: 5,
        CloudWatchMetrics: [
          { Namespace: 'N', Dimensions: [['Fleet'], []], Metrics: [{ Name: 'M' }, { Name: 'L' }] },
        ],
      },
      Fleet: 'f',
      M: 2,
      L: [3, 4],
    });
    const samples = metricsIn(line).map(({ name, dimensions, value }) => [name, dimensions, value]);
    expect(samples).toEqual([
      ['M', { Fleet: 'f' }, 2],
      ['L', { Fleet: 'f' }, 3],
      ['L', { Fleet: 'f' }, 4],
      ['M', {}, 2],
      ['L', {}, 3],
      ['L', {}, 4],
    ]);
  });
  test.each(['plain text', '{"message":"x"}', '{"_aws" broken'])('%s is none', (line) =>
    expect(metricsIn(line)).toEqual([]),
  );
});

describe('user data', () => {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  test('gives the service’s environment and its restart', () => {
    const files = [
      { path: '/etc/ballast/agent.env', content: 'A=1\n# note\nB="two words"\n' },
      { path: '/x/y.service', content: 'Environment=C=3\nRestart=always\nRestartSec=2\n' },
    ];
    const boot = readUserData(encode(`#cloud-config\n${JSON.stringify({ write_files: files })}`));
    expect(boot).toEqual({ environment: { A: '1', B: 'two words', C: '3' }, restartSeconds: 2 });
  });
  test('in another form is refused', () =>
    expect(() => readUserData(encode('#!/bin/sh\n'))).toThrow('cloud-config'));
});
