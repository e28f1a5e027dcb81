import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import * as notices from '../../lib/contract/notices.ts';
import { matchesPattern } from '../../lib/local/event-pattern.ts';
import { flat, ofType, type Resources, synthesise } from './synthesis.ts';

let all: Resources;
let rules: readonly { readonly handler: string; readonly pattern: unknown; target: Target }[];
interface Target {
  readonly DeadLetterConfig: { readonly Arn: unknown };
  readonly RetryPolicy: { readonly MaximumEventAgeInSeconds: number };
}
beforeAll(() => {
  all = synthesise().all;
  rules = ofType(all, 'AWS::Events::Rule').flatMap(([, { Properties }]) =>
    Properties.EventPattern === undefined
      ? []
      : Properties.Targets.map((target: Target & { Arn: unknown }) => ({
          handler: flat(target.Arn).replace(/^<FleetFunctions|[0-9A-F]{8}\.Arn>$/g, ''),
          pattern: Properties.EventPattern,
          target,
        })),
  );
});

/** As AWS's guides show them (contract/notices.ts names the guides). */
const sampleOf = (name: string): object =>
  JSON.parse(readFileSync(`test/infra/aws-events/${name}.json`, 'utf8'));
const handlersOf = (event: object): string[] =>
  rules.filter(({ pattern }) => matchesPattern(pattern, event)).map(({ handler }) => handler);

test.each([
  ['spot-interruption', ['Urgency']],
  ['rebalance-recommendation', ['Urgency']],
  ['retirement', ['Urgency']],
  ['autoshift-in-progress', ['Urgency']],
  ['fis-autoshift-in-progress', ['Urgency']],
  ['autoshift-completed', ['Urgency']],
  ['state-terminated', ['NodeWatch']],
  ['state-running', []],
  ['practice-run-started', []],
  ['retirement-of-a-database', []],
  ['reboot', []],
])('the recorded event %s goes to %j', (name, handlers) => {
  expect(handlersOf(sampleOf(name))).toEqual(handlers);
});

test('every recorded event is judged', () => {
  expect(readdirSync('test/infra/aws-events')).toHaveLength(11);
});

describe('what the local cloud sends', () => {
  test.each<[string, notices.SentEvent, string[]]>([
    ['spot interruption', notices.spotInterruptionOf('i-1'), ['Urgency']],
    ['rebalance recommendation', notices.rebalanceRecommendationOf('i-1'), ['Urgency']],
    ['retirement', notices.retirementOf('i-1', Date.UTC(2026, 7, 27)), ['Urgency']],
    ['zone impaired', notices.zoneShiftOf('use1-az1', 'impaired'), ['Urgency']],
    ['zone recovered', notices.zoneShiftOf('use1-az1', 'recovered'), ['Urgency']],
    ['stopping', notices.stateChangeOf('i-1', 'stopping'), ['NodeWatch']],
    ['shutting down', notices.stateChangeOf('i-1', 'shutting-down'), ['NodeWatch']],
    ['running', notices.stateChangeOf('i-1', 'running'), []],
  ])('goes where the real one goes: %s', (_what, event, handlers) =>
    expect(handlersOf(event)).toEqual(handlers),
  );

  test.each([
    ['spot-interruption', notices.spotInterruptionOf('i-1')],
    ['rebalance-recommendation', notices.rebalanceRecommendationOf('i-1')],
    ['retirement', notices.retirementOf('i-1', 0)],
    ['autoshift-in-progress', notices.zoneShiftOf('use1-az1', 'impaired')],
    ['autoshift-completed', notices.zoneShiftOf('use1-az1', 'recovered')],
    ['state-terminated', notices.stateChangeOf('i-1', 'terminated')],
  ])('has the fields of the recorded %s, and no others', (name, sent) => {
    const recorded = sampleOf(name) as notices.SentEvent;
    expect(sent['detail-type']).toBe(recorded['detail-type']);
    const known = new Set(Object.keys(recorded.detail));
    expect(Object.keys(sent.detail).filter((field) => !known.has(field))).toEqual([]);
  });
});

test('a notice that no run could take is kept, after half a day of tries', () => {
  expect(rules).toHaveLength(5);
  for (const { handler, target } of rules) {
    expect(flat(target.DeadLetterConfig.Arn)).toMatch(/EventsDead/);
    const hours = target.RetryPolicy.MaximumEventAgeInSeconds / 3_600;
    expect(hours).toBeCloseTo(handler === 'Urgency' ? 12 : 1 / 12);
  }
});
