import { describe, expect, test } from 'vitest';
import { nodesLeastInZone } from '../../lib/core/capacity.ts';
import { cheapestFor, cheapestPurchase, nodeTypesOf, priceOf } from '../../lib/core/node-type.ts';

const small = { type: 'small', capacityBytes: 100, dollarsPerHour: 1 };
const large = { type: 'large', capacityBytes: 400, dollarsPerHour: 3 };
const types = [large, small];

describe('the cheapest type that does', () => {
  test.each<[lacks: number, chosen: string]>([
    [-5, '1 small $1'],
    [100, '1 small $1'],
    [101, '2 small $2'],
    [201, '1 large $3'],
    [401, '5 small $5'],
    [1_000, '3 large $9'],
  ])('for one zone that lacks %d bytes: %s', (lacks, chosen) => {
    const { nodes, type, dollarsPerHour } = cheapestFor(types, lacks);
    expect(`${nodes} ${type} $${dollarsPerHour}`).toBe(chosen);
  });

  test.each<[lacks: number[], nodesMax: number, chosen: string]>([
    [[100, 50], 9, 'small 1,1'],
    [[300, 50], 9, 'small 3,1'],
    [[350, 350], 9, 'large 1,1'],
    [[300, 300, 300], 4, 'large 1,1,1'],
    [[-10, 800], 9, 'large 1,2'],
    [[900, 900], 1, 'large 1,0'],
  ])('for zones that lack %j with %d nodes at most: %s', (lacks, nodesMax, chosen) => {
    const { type, counts } = cheapestPurchase(types, lacks, nodesMax);
    expect(`${type.type} ${counts}`).toBe(chosen);
  });
});

test('without named types there is the launch template', () => {
  const policy = { nodeTypes: [], nodeCapacityBytes: 7, nodeDollarsPerHour: 2 };
  expect(nodeTypesOf(policy)).toEqual([{ type: '', capacityBytes: 7, dollarsPerHour: 2 }]);
  expect(nodeTypesOf({ ...policy, nodeTypes: types })).toBe(types);
});

test('a node costs as the type nearest in size', () => {
  expect([100, 50, 390, 800].map((size) => priceOf(types, size))).toEqual([1, 0.5, 2.925, 6]);
});

test.each<
  [rules: Parameters<typeof nodesLeastInZone>[0], zones: number, min: number, least: number]
>([
  [[{ kind: 'replicated', copies: 3 }], 3, 3, 1],
  [[{ kind: 'erasure', data: 6, parity: 3 }], 3, 3, 3],
  [[{ kind: 'replicated', copies: 3 }], 3, 7, 3],
  [[], 2, 0, 1],
])('a zone keeps what redundancy and the fewest need: %#', (rules, zones, min, least) => {
  expect(nodesLeastInZone(rules, zones, min)).toBe(least);
});
