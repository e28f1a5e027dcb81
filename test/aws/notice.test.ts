import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseNotice } from '../../lib/aws/notice.ts';

/** As AWS's guides show them. */
const sampleOf = (name: string) =>
  JSON.parse(readFileSync(`test/infra/aws-events/${name}.json`, 'utf8'));
const instance = 'i-1234567890abcdef0';
const at = Date.UTC(2023, 10, 16, 23, 38, 14);
const zone = { at, zone: 'use1-az2' };

test.each([
  ['spot-interruption', { kind: 'spot-interruption', at, instances: [instance] }],
  ['rebalance-recommendation', { kind: 'rebalance-recommendation', at, instances: [instance] }],
  ['autoshift-in-progress', { kind: 'zone-impaired', ...zone }],
  ['fis-autoshift-in-progress', { kind: 'zone-impaired', ...zone }],
  ['autoshift-completed', { kind: 'zone-recovered', ...zone }],
  [
    'retirement',
    {
      kind: 'retirement',
      at: Date.UTC(2026, 7, 13, 13, 20),
      dueAt: Date.UTC(2026, 7, 27, 13, 19, 3),
      instances: [instance],
    },
  ],
])('%s', (name, notice) => expect(parseNotice(sampleOf(name))).toEqual(notice));

describe('a retirement', () => {
  const retirement = (detail: object, resources: readonly string[] = []) => {
    const sample = sampleOf('retirement');
    return parseNotice({ ...sample, resources, detail: { ...sample.detail, ...detail } });
  };

  test('that is closed is none', () =>
    expect(retirement({ statusCode: 'closed' })).toBeUndefined());

  test.each([[{ startTime: 'some day' }], [{ startTime: undefined }]])(
    'without a date, %j',
    (detail) => expect(retirement(detail)).not.toHaveProperty('dueAt'),
  );

  test('names its machines by id, by ARN, or among its resources', () =>
    expect(
      retirement({ affectedEntities: [{ entityValue: 'arn:aws:ec2:us-east-1:1:instance/i-1' }] }, [
        'i-1',
        'i-2',
      ]),
    ).toMatchObject({ instances: ['i-1', 'i-2'] }));
});

test.each([
  [null],
  [{}],
  [{ time: '2026-01-01T00:00:00Z', 'detail-type': 'EC2 Spot Instance Interruption Warning' }],
  [{ time: 'noon', 'detail-type': 'Autoshift Completed' }],
  [{ time: '2026-01-01T00:00:00Z', 'detail-type': 'Something else', detail: {} }],
])('%j is refused', (event) => expect(() => parseNotice(event)).toThrow());
