import { expect, test } from 'vitest';
import { parseRedundancy } from '../../lib/contract/redundancy.ts';
import { metadataRule } from '../../lib/core/metadata-rule.ts';

test.each<[behaviour: string, rules: string[], copies: number]>([
  ['three copies of what names nothing', [], 3],
  ['three copies though the data has one', ['1'], 3],
  ['as many copies as the data has', ['5'], 5],
  ['a copy more than shards may be lost', ['erasure:6+3'], 4],
  ['as the hardiest of several rules', ['2', 'erasure:4+4', '4'], 5],
])('%s', (_behaviour, rules, copies) =>
  expect(metadataRule(rules.map((rule) => parseRedundancy(rule)!))).toEqual({
    kind: 'replicated',
    copies,
  }),
);
