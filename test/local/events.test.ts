import { describe, expect, test } from 'vitest';
import { checkPattern, matchesPattern } from '../../lib/local/event-pattern.ts';
import { parseSchedule } from '../../lib/local/schedule-expression.ts';

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
