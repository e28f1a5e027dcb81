import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flowsBetween, pour } from '../../lib/core/flows.ts';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const anyAmounts = (from: number) =>
  fc
    .array(fc.oneof(fc.constantFrom(0, 1), fc.nat(1000)), { maxLength: 30 })
    .map((all) => all.map((bytes, at) => ({ node: from + at, bytes })));

describe('flows', () => {
  test('meet every supply and demand as far as both reach, in fewer flows than nodes', () => {
    fc.assert(
      fc.property(anyAmounts(0), anyAmounts(100), (givers, takers) => {
        const flows = flowsBetween(givers, takers);
        const given = (node: number) =>
          sum(flows.filter(({ from }) => from === node).map(({ bytes }) => bytes));
        const taken = (node: number) =>
          sum(flows.filter(({ to }) => to === node).map(({ bytes }) => bytes));
        const supply = sum(givers.map(({ bytes }) => bytes));
        const demand = sum(takers.map(({ bytes }) => bytes));
        for (const { node, bytes } of givers) expect(given(node)).toBeLessThanOrEqual(bytes);
        for (const { node, bytes } of takers) expect(taken(node)).toBeLessThanOrEqual(bytes);
        expect(sum(flows.map(({ bytes }) => bytes))).toBe(Math.min(supply, demand));
        expect(flows.length).toBeLessThanOrEqual(Math.max(0, givers.length + takers.length - 1));
      }),
    );
  });
});

describe('pouring', () => {
  const anyVessels = fc
    .array(
      fc.record({
        capacity: fc.integer({ min: 1, max: 50 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 1, maxLength: 20 },
    )
    .map((all) =>
      all.map(({ capacity, share }, node) => ({ node, capacity, held: capacity * share })),
    );

  test('raises the least filled to one level, below which no other stays, and none above the limit', () => {
    fc.assert(
      fc.property(anyVessels, fc.nat(300), (vessels, bytes) => {
        const fillMax = 0.95;
        const taken = new Map(pour(vessels, bytes, fillMax).map((each) => [each.node, each.bytes]));
        const room = sum(
          vessels.map(({ capacity, held }) => Math.max(0, capacity * fillMax - held)),
        );
        expect(sum([...taken.values()])).toBeCloseTo(Math.min(bytes, room), 6);
        const fills = vessels.map(
          ({ node, capacity, held }) => (held + (taken.get(node) ?? 0)) / capacity,
        );
        const level = Math.max(
          0,
          ...vessels.flatMap(({ node }, at) => (taken.has(node) ? [fills[at]!] : [])),
        );
        expect(level).toBeLessThanOrEqual(fillMax + 1e-9);
        for (const fill of fills) expect(fill).toBeGreaterThanOrEqual(level - 1e-9);
      }),
    );
  });
});
