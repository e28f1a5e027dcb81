import { expect, test } from 'vitest';
import { paybackOf } from '../../lib/core/payback.ts';

const departure = {
  dollarsPerHour: 0.5,
  bytesMoved: 720e9,
  crossZoneBytes: 0,
  moves: 0,
  rateBytes: 100e6,
  leadMs: 3_600_000,
};

test('a departure costs the hours in which two nodes are paid for one: out, in, and until it helps', () => {
  const { costDollars, paybackHours } = paybackOf(departure);
  expect(costDollars).toBeCloseTo(0.5 * (2 + 2 + 1));
  expect(paybackHours).toBeCloseTo(5);
});

test('bytes across zones and requests are paid twice', () => {
  const { costDollars } = paybackOf({ ...departure, crossZoneBytes: 100e9, moves: 1e6 });
  expect(costDollars).toBeCloseTo(2.5 + 2 * 2 + 2 * 2.6);
});

test('an empty node is back after the lead time', () => {
  expect(paybackOf({ ...departure, bytesMoved: 0 }).paybackHours).toBe(1);
});
