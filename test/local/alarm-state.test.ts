import { describe, expect, test } from 'vitest';
import { type AlarmValue, type MissingData, stateFrom } from '../../lib/local/alarm-state.ts';

const rule = (missingData: MissingData, datapointsToAlarm = 3) => ({
  comparison: 'GreaterThanThreshold',
  threshold: 5,
  evaluationPeriods: 3,
  datapointsToAlarm,
  missingData,
});

/** `0` within, `X` beyond the threshold, `-` missing: the table in CloudWatch's own documentation. */
const points = (text: string) =>
  [...text].map((one) => (one === '-' ? undefined : one === 'X' ? 9 : 1));

describe('the state of an alarm on three of three periods', () => {
  test.each<[data: string, MissingData, AlarmValue]>([
    ['0-X-X', 'missing', 'OK'],
    ['0-X-X', 'breaching', 'OK'],
    ['----0', 'missing', 'OK'],
    ['----0', 'ignore', 'OK'],
    ['----0', 'breaching', 'OK'],
    ['-----', 'missing', 'INSUFFICIENT_DATA'],
    ['-----', 'ignore', 'ALARM'],
    ['-----', 'breaching', 'ALARM'],
    ['-----', 'notBreaching', 'OK'],
    ['0XX-X', 'missing', 'ALARM'],
    ['0XX-X', 'ignore', 'ALARM'],
    ['0XX-X', 'notBreaching', 'ALARM'],
    ['--X--', 'missing', 'ALARM'],
    ['--X--', 'breaching', 'ALARM'],
    ['--X--', 'notBreaching', 'OK'],
    ['--X--', 'ignore', 'ALARM'],
    ['XXXX0', 'missing', 'OK'],
  ])('%s with missing data %s is %s', (data, missing, state) =>
    expect(stateFrom(rule(missing), points(data), 'ALARM')).toBe(state),
  );

  test('two of three are enough when the rule says so', () => {
    expect(stateFrom(rule('missing', 2), points('00X0X'), 'OK')).toBe('ALARM');
    expect(stateFrom(rule('missing', 2), points('X000X'), 'OK')).toBe('OK');
  });

  test('missing data that is ignored keeps the state', () =>
    expect(stateFrom(rule('ignore'), points('--X--'), 'OK')).toBe('OK'));
});
