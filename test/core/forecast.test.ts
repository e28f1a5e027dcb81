import { describe, expect, test } from 'vitest';
import {
  daysToFull,
  type Forecast,
  fitForecast,
  forecastAt,
  hourMs,
  peakBetween,
  risingBytesPerHour,
  trendOf,
  type UseSample,
} from '../../lib/core/forecast.ts';
import { generateMonth, loadShapes } from '../../lib/core/load.ts';

const start = Date.UTC(2026, 0, 5);
const dayMs = 24 * hourMs;

/** A sample every ten minutes of `days` days. */
const samplesOf = (days: number, used: (hours: number) => number): UseSample[] =>
  Array.from({ length: days * 144 }, (_, i) => ({
    at: start + i * 600_000,
    usedBytes: used(i / 6),
  }));

const fitted = (days: number, used: (hours: number) => number): Forecast =>
  fitForecast(samplesOf(days, used), start + days * dayMs)!;

const daily = (hours: number) => 100 * Math.sin((hours / 24) * 2 * Math.PI);

describe('the forecast', () => {
  test('needs two days', () => {
    const used = () => 1_000;
    expect(fitForecast(samplesOf(1.9, used), start + 1.9 * dayMs)).toBeUndefined();
    expect(fitForecast([], start)).toBeUndefined();
    expect(fitted(2, used)).toMatchObject({ growthBytesPerDay: 0 });
  });

  test.each<[what: string, used: (hours: number) => number]>([
    ['a level', () => 1_000],
    ['growth', (hours) => 1_000 + hours],
    ['a daily cycle', (hours) => 1_000 + daily(hours)],
    ['growth with a daily cycle', (hours) => 1_000 + hours + daily(hours)],
    [
      'growth after a spike of a day',
      (hours) => 1_000 + hours + daily(hours) + (hours > 96 && hours < 120 ? 800 : 0),
    ],
  ])('goes on with %s', (_what, used) => {
    const forecast = fitted(10, used);
    for (const ahead of [2, 7, 13, 20, 47]) {
      const at = start + 10 * dayMs + ahead * hourMs;
      const { p10, p50, p90 } = forecastAt(forecast, at - 1);
      expect(p10).toBeLessThanOrEqual(p50);
      expect(p50).toBeLessThanOrEqual(p90);
      expect(Math.abs(p50 - used(10 * 24 + ahead))).toBeLessThan(60);
    }
  });

  test('the peak of a day has the season in it', () => {
    const forecast = fitted(8, (hours) => 1_000 + daily(hours));
    const from = start + 8 * dayMs;
    expect(peakBetween(forecast, from, from + dayMs, 'p50')).toBeGreaterThan(1_080);
    expect(peakBetween(forecast, from + 12 * hourMs, from + 15 * hourMs, 'p50')).toBeLessThan(
      1_030,
    );
  });

  test('the range holds what comes four times of five, over months that it does not know', () => {
    let within = 0;
    let asked = 0;
    for (const shape of loadShapes) {
      const load = generateMonth(7, shape, 1e12);
      const samples = Array.from({ length: 30 * 144 }, (_, i) => {
        const at = load.from + i * 600_000;
        return { at, usedBytes: load.usedAt(0, at) };
      });
      for (let day = 3; day < 29; day++) {
        const now = load.from + day * dayMs;
        const forecast = fitForecast(
          samples.filter(({ at }) => at < now),
          now,
        )!;
        for (const ahead of [3, 12, 24]) {
          const { p10, p90 } = forecastAt(forecast, now + ahead * hourMs);
          const came = load.usedAt(0, now + ahead * hourMs);
          asked++;
          if (came >= p10 * 0.995 && came <= p90 * 1.005) within++;
        }
      }
    }
    expect(within / asked).toBeGreaterThan(0.7);
    expect(within / asked).toBeLessThan(0.99);
  });

  test('days to full, early and late, and never', () => {
    const now = start + 10 * dayMs;
    const grows = fitted(10, (hours) => 1_000 + 10 * hours + daily(hours));
    const { early, expected, late } = daysToFull(grows, 3_400 + 2_400, now);
    expect(expected).toBeGreaterThan(8);
    expect(expected).toBeLessThan(11);
    expect(early!).toBeLessThanOrEqual(expected!);
    expect(late!).toBeGreaterThanOrEqual(expected!);
    expect(
      daysToFull(
        fitted(5, () => 7),
        100,
        now,
      ),
    ).toEqual({
      early: null,
      expected: null,
      late: null,
    });
  });

  test('the pace of the last hour', () => {
    const now = start + dayMs;
    const rises = samplesOf(1, (hours) => (hours > 23 ? 1_000 + 60 * (hours - 23) : 1_000));
    expect(risingBytesPerHour(rises, now)).toBeCloseTo(60, 0);
    expect(
      risingBytesPerHour(
        samplesOf(1, (hours) => 1_000 - hours),
        now,
      ),
    ).toBe(0);
    expect(risingBytesPerHour([], now)).toBe(0);
  });
});

describe('the trend', () => {
  const kind = (used: (hours: number) => number, hours: number) =>
    trendOf(samplesOf(10, used), start + 10 * dayMs, hours, 10_000)?.kind;
  test.each<[used: (hours: number) => number, hours: number, kind: string]>([
    [(hours) => 1_000 + 5 * hours, 24, 'growing'],
    [(hours) => 5_000 - 5 * hours, 24, 'shrinking'],
    [() => 1_000, 24, 'stable'],
    [(hours) => 1_000 + 5 * hours + 3 * daily(hours), 120, 'growing'],
    [(hours) => 1_000 + daily(hours), 120, 'stable'],
    [(hours) => 1_000 + (hours > 100 && hours < 110 ? 3_000 : 0), 240, 'stable'],
  ])('case %#', (used, hours, expected) => expect(kind(used, hours)).toBe(expected));

  test('says nothing of nothing', () => {
    expect(trendOf([], start, 24, 1)).toBeUndefined();
  });
});
