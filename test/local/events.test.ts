import { describe, expect, test } from 'vitest';
import { EventBus } from '../../lib/local/event-bus.ts';
import { checkPattern, matchesPattern } from '../../lib/local/event-pattern.ts';
import { parseSchedule } from '../../lib/local/schedule-expression.ts';
import { zoneIds } from '../../lib/local/zone-ids.ts';

const event = { source: 'aws.ec2', detail: { state: 'terminated', id: 'i-12', size: 7 } };

describe('an event pattern', () => {
  test.each<[pattern: object, matches: boolean]>([
    [{ source: ['aws.ec2'] }, true],
    [{ source: ['aws.s3'] }, false],
    [{ source: ['aws.ec2'], detail: { state: ['running', 'terminated'] } }, true],
    [{ detail: { id: [{ prefix: 'i-' }] } }, true],
    [{ detail: { id: [{ suffix: '3' }] } }, false],
    [{ detail: { state: [{ 'anything-but': ['running'] }] } }, true],
    [{ detail: { state: [{ 'anything-but': 'terminated' }] } }, false],
    [{ detail: { missing: [{ exists: false }] } }, true],
    [{ detail: { state: [{ exists: false }] } }, false],
    [{ detail: { size: [{ numeric: ['>', 5, '<=', 7] }] } }, true],
    [{ $or: [{ source: ['x'] }, { detail: { size: [7] } }] }, true],
    [{ 'detail-type': ['anything'] }, false],
  ])('%j matches: %s', (pattern, matches) => expect(matchesPattern(pattern, event)).toBe(matches));

  test('with an operator that is not served is refused when it is deployed', () =>
    expect(() => checkPattern({ source: [{ wildcard: '*' }] })).toThrow('wildcard'));
});

describe('a schedule', () => {
  test.each<[expression: string, next: string]>([
    ['rate(1 minute)', '2026-11-24T10:21:30.000Z'],
    ['rate(2 hours)', '2026-11-24T12:20:30.000Z'],
    ['cron(0/15 * * * ? *)', '2026-11-24T10:30:00.000Z'],
    ['cron(0 3 * * ? *)', '2026-11-25T03:00:00.000Z'],
    ['cron(30 8 ? * MON-FRI *)', '2026-11-25T08:30:00.000Z'],
    ['cron(0 0 1 JAN ? *)', '2027-01-01T00:00:00.000Z'],
  ])('%s fires next at %s', (expression, next) =>
    expect(parseSchedule(expression)(new Date('2026-11-24T10:20:30Z')).toISOString()).toBe(next),
  );

  test.each(['rate(soon)', 'at(2026-01-01T00:00:00)', 'cron(0 3 L * ? *)'])(
    '%s is refused',
    (text) => expect(() => parseSchedule(text)).toThrow('not served'),
  );
});

describe('the bus', () => {
  const rule = (name: string, bus: string, pattern: object, got: string[]) => ({
    ...{ name, arn: name, bus, pattern, schedule: undefined },
    targets: [{ input: (event: object) => event, deliver: () => void got.push(name) }],
  });

  test('delivers what is put to the rules of its bus that match, and says which', async () => {
    const got: string[] = [];
    const bus = new EventBus('us-east-1', () => {});
    bus.add(rule('ours', 'fleet', { source: ['ballast'] }, got));
    bus.add(rule('other type', 'fleet', { 'detail-type': ['x'] }, got));
    bus.add(rule('other bus', 'default', { source: ['ballast'] }, got));
    const event = { source: 'ballast', 'detail-type': 'Job Ended', detail: {} };
    expect(bus.put({ bus: 'fleet', ...event }).rules).toEqual(['ours']);
    await new Promise(setImmediate);
    expect(got).toEqual(['ours']);
    expect(bus.put({ bus: 'nobody’s', ...event }).rules).toEqual([]);
  });
});

test('zones have ids that are not their names', () =>
  expect([...zoneIds(['us-east-1b', 'us-east-1a', 'us-east-1b'])]).toEqual([
    ['use1-az1', 'us-east-1a'],
    ['use1-az2', 'us-east-1b'],
  ]));
