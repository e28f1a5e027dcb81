import { expect, test } from 'vitest';
import { BadContext, parseAppSettings } from '../../lib/infra/app-settings.ts';

const parse = (context: Record<string, unknown>) =>
  parseAppSettings((key) => context[key.replace('ballast:', '')]);

test('without context the construct’s defaults count', () => {
  expect(parse({})).toEqual({ fleet: { fleetName: 'ballast' }, checks: 'none' });
});

test('texts, as the command line gives them, and numbers mean the same', () => {
  const asText = parse({
    nodeCapacityBytes: '1000',
    heartbeatSeconds: '2',
    nag: 'true',
    policy: '{"fillHigh":0.7}',
  });
  const asValue = parse({
    nodeCapacityBytes: 1000,
    heartbeatSeconds: 2,
    nag: true,
    policy: { fillHigh: 0.7 },
  });
  expect(asText).toEqual(asValue);
  expect(asText.fleet).toMatchObject({ nodeCapacityBytes: 1000, policy: { fillHigh: 0.7 } });
});

test.each<[context: Record<string, unknown>, sentence: string]>([
  [{ fleetName: 'My Fleet' }, 'ballast:fleetName is "My Fleet", expected up to 30 of a–z'],
  [{ nodeCapacityBytes: '1GB' }, 'ballast:nodeCapacityBytes is "1GB", expected a whole number'],
  [
    { alarmPeriodSeconds: 20 },
    'ballast:alarmPeriodSeconds is 20, expected 10, 30 or a multiple of 60',
  ],
  [{ heartbeatSeconds: 0 }, 'ballast:heartbeatSeconds is 0, expected a whole number from 1 to 300'],
  [{ backgroundRate: -1 }, 'ballast:backgroundRate is -1, expected bytes a second'],
  [{ functionTimeoutSeconds: 901 }, 'ballast:functionTimeoutSeconds is 901, expected'],
  [{ nag: 'perhaps' }, 'ballast:nag is "perhaps", expected true or false'],
  [{ policy: '{' }, 'ballast:policy is "{", expected a JSON object'],
  [
    { policy: { fillHihg: 0.5 } },
    'ballast:policy has fillHihg, expected only autoscaling, fillHigh',
  ],
  [{ policy: { fillHigh: 80 } }, 'ballast:policy.fillHigh is 80, expected'],
])('%j is refused', (context, sentence) => {
  expect(() => parse(context)).toThrow(BadContext);
  expect(() => parse(context)).toThrow(sentence);
});

test('every wrong value is named at once', () => {
  const wrong = { fleetName: 1, nag: 2, policy: [] };
  expect(() => parse(wrong)).toThrow(/:policy .*\n.*:fleetName .*\n.*:nag /);
});
