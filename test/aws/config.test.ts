import { expect, test } from 'vitest';
import { BadSettings, parseSettings } from '../../lib/aws/config.ts';
import { environment } from './settings.ts';

test('settings are parsed, and the policy gets its defaults', () => {
  const settings = parseSettings(environment);
  expect(settings.tables.files).toBe('the-files');
  expect(settings.queues.critical).toBe('https://queues/critical');
  expect(settings.workflows['scale-out']).toBe('arn:scale-out');
  expect([...settings.subnets]).toEqual([
    ['a', 'subnet-a'],
    ['b', 'subnet-b'],
  ]);
  expect(settings.port).toBe(7070);
  expect(settings.policy).toMatchObject({ nodeCapacityBytes: 1000, fillHigh: 0.8 });
});

test.each<[behaviour: string, wrong: Record<string, string | undefined>, message: string]>([
  [
    'names every one that is missing',
    { BALLAST_TABLE: undefined, BALLAST_PORT: undefined },
    'BALLAST_TABLE is not set, expected a text\nBALLAST_PORT is not set, expected a text',
  ],
  [
    'names every one that is malformed',
    { BALLAST_PORT: '70700', BALLAST_SUBNETS: 'a=subnet-a,b' },
    'BALLAST_SUBNETS is "a=subnet-a,b", expected zone=subnet, separated by commas\n' +
      'BALLAST_PORT is "70700", expected a port from 1 to 65535',
  ],
  ['a policy that is no JSON', { BALLAST_POLICY: '{' }, 'BALLAST_POLICY is "{", expected JSON'],
  [
    'every wrong field of a policy',
    { BALLAST_POLICY: '{"fillHigh":1.5,"autoscaling":"yes"}' },
    'BALLAST_POLICY.autoscaling is "yes", expected a boolean\n' +
      'BALLAST_POLICY.fillHigh is 1.5, expected at most 1\n' +
      'BALLAST_POLICY.nodeCapacityBytes is not set, expected a number',
  ],
])('refused: %s', (_behaviour, wrong, message) => {
  expect(() => parseSettings({ ...environment, ...wrong })).toThrow(new BadSettings(message));
});
