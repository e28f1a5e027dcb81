import type { Redundancy } from '../../lib/core/fleet.ts';

export interface Scenario {
  readonly what: string;
  readonly chunks: number;
  /** By zone: the weights of its nodes. */
  readonly zones: readonly (readonly number[])[];
  /** By zone: the weights of nodes that have just joined. */
  readonly joins?: readonly (readonly number[])[];
  /** By zone: places of nodes that leave. */
  readonly leaves?: readonly (readonly number[])[];
  readonly sizes?: readonly number[];
  readonly rule?: Redundancy;
  readonly seed: number;
}

export const MiB = 2 ** 20;
const same = (count: number, ...weights: number[]) =>
  Array.from({ length: count }, (_, at) => weights[at % weights.length]!);
const each = <T>(value: T) => [value, value, value];
const mixedSizes = [64 * MiB, 64 * MiB, 16 * MiB, 4 * MiB, 1 * MiB, 64 * 1024, 777];

export const scenarios: Readonly<Record<string, Scenario>> = {
  S1: {
    what: '99 equal nodes, 9 join',
    chunks: 65_536,
    zones: each(same(33, 8)),
    joins: each(same(3, 8)),
    seed: 1,
  },
  S2: {
    what: '99 equal nodes, 6 leave',
    chunks: 65_536,
    zones: each(same(33, 8)),
    leaves: each([4, 19]),
    seed: 2,
  },
  S3: {
    what: '90 nodes of 4, 8, 16, 18 join',
    chunks: 65_536,
    zones: each(same(30, 4, 8, 16)),
    joins: each(same(6, 4, 8, 16)),
    seed: 3,
  },
  S4: {
    what: '999 equal nodes, 99 join',
    chunks: 262_144,
    zones: each(same(333, 8)),
    joins: each(same(33, 8)),
    seed: 4,
  },
  V1: {
    what: 'unequal zones, a third of one leaves',
    chunks: 65_536,
    zones: [same(30, 8), same(40, 8), same(55, 8)],
    leaves: [[0, 3, 6, 9, 12, 15, 18, 21, 24, 27], [], []],
    seed: 5,
  },
  V2: {
    what: 'joins in one zone only, other sizes',
    chunks: 65_536,
    zones: each(same(33, 8)),
    joins: [same(4, 16, 4), [], []],
    seed: 6,
  },
  V3: {
    what: 'mixed chunk sizes, 9 join',
    chunks: 131_072,
    zones: each(same(33, 8)),
    joins: each(same(3, 8)),
    sizes: mixedSizes,
    seed: 7,
  },
  V4: {
    what: 'mixed chunk and node sizes, 6 leave',
    chunks: 131_072,
    zones: each(same(33, 4, 8, 16)),
    leaves: each([4, 18]),
    sizes: mixedSizes,
    seed: 8,
  },
  V5: {
    what: 'mixed chunk and node sizes, unequal joins',
    chunks: 131_072,
    zones: [same(24, 4, 8), same(33, 4, 8, 16), same(40, 16, 8)],
    joins: [same(5, 16), same(2, 4), same(3, 8)],
    sizes: mixedSizes,
    seed: 9,
  },
  V6: {
    what: 'stripes of 6+3, 9 join',
    chunks: 32_768,
    zones: each(same(33, 8)),
    joins: each(same(3, 8)),
    rule: { kind: 'erasure', data: 6, parity: 3 },
    seed: 10,
  },
  V7: {
    what: 'stripes of 6+3, 6 leave one zone',
    chunks: 32_768,
    zones: each(same(33, 4, 8, 16)),
    leaves: [[1, 4, 7, 10, 13, 16], [], []],
    rule: { kind: 'erasure', data: 6, parity: 3 },
    seed: 11,
  },
};
