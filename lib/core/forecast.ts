/**
 * What a zone will hold: level, daily season and growth from its recorded use, with a range from the errors
 * that the same forecast made in the past.
 *
 * Season: classical decomposition with medians for means. Growth: the median of all same-hour differences,
 * the seasonal Kendall slope (Hirsch, Slack and Smith, "Techniques of trend analysis for monthly water
 * quality data", 1982): a spike or a mistake of a day among many does not bend it. Range: quantiles of past
 * errors at the same distance (Hyndman and Athanasopoulos, "Forecasting: principles and practice", 3rd ed.,
 * 3.4 and 5.5).
 */

/** What a zone held at a moment. */
export interface UseSample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly usedBytes: number;
}

export interface Forecast {
  /** The last complete hour, counted from 1970; hours ahead count from it. */
  readonly hour: number;
  readonly levelBytes: number;
  readonly growthBytesPerDay: number;
  /** By hour of the day (UTC): above or below the level. */
  readonly seasonBytes: readonly number[];
  /** Errors of the past by distance, shortest first. */
  readonly errors: readonly {
    readonly hours: number;
    readonly low: number;
    readonly high: number;
  }[];
}

/** What the recorded history says of a zone. */
export interface Outlook {
  /** Undefined while there is too little history. */
  readonly forecast: Forecast | undefined;
  readonly risingBytesPerHour: number;
}

export const outlookOf = (samples: readonly UseSample[], now: number): Outlook => ({
  forecast: fitForecast(samples, now),
  risingBytesPerHour: risingBytesPerHour(samples, now),
});

export interface Range {
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

export const hourMs = 3_600_000;
const dayHours = 24;
/** History that a forecast is made from, and the least that makes one: each hour of the day seen twice. */
export const forecastHoursMax = 14 * dayHours;
export const forecastHoursMin = 2 * dayHours;
/** Distances at which past errors are measured. */
const horizons = [1, 6, 24, 72];
/** Fewer errors than this say nothing of a tail. */
const errorsMin = 10;
/** Hours whose median is the level: one odd hour does not move it. */
const levelHours = 3;

/** @returns undefined while there is too little history */
export function fitForecast(samples: readonly UseSample[], now: number): Forecast | undefined {
  const hour = Math.floor(now / hourMs) - 1;
  const series = hourly(samples, hour);
  if (series.length < forecastHoursMin) return undefined;
  const first = hour - series.length + 1;
  const seasonBytes = seasonOf(series, first);
  const growthBytesPerDay = growthOf(series);
  const flat = series.map((used, at) => used - seasonBytes[(first + at) % dayHours]!);
  const levels = flat.map((_, at) => levelAt(flat, at));
  const errors = horizons.flatMap((hours) => errorsAt(flat, levels, hours, growthBytesPerDay));
  return {
    hour,
    levelBytes: levels.at(-1)!,
    growthBytesPerDay,
    seasonBytes,
    errors,
  };
}

/** Bytes at a moment; for one that is past, as for the next hour. */
export function forecastAt(forecast: Forecast, at: number): Range {
  const ahead = Math.max(1, Math.ceil(at / hourMs) - 1 - forecast.hour);
  const { levelBytes, growthBytesPerDay, seasonBytes } = forecast;
  const season = seasonBytes[(forecast.hour + ahead) % dayHours]!;
  const p50 = levelBytes + season + (growthBytesPerDay * ahead) / dayHours;
  const { low, high } = errorOf(forecast, ahead);
  return { p10: Math.max(0, p50 + low), p50: Math.max(0, p50), p90: Math.max(0, p50 + high) };
}

/** The most that the band reaches from `from` to `to`, epoch milliseconds. */
export function peakBetween(
  forecast: Forecast,
  from: number,
  to: number,
  band: keyof Range,
): number {
  let most = 0;
  for (let at = from; at < to + hourMs; at += hourMs) {
    most = Math.max(most, forecastAt(forecast, Math.min(at, to))[band]);
  }
  return most;
}

/** Hours from `now` until the band reaches `bytes`; undefined if it does not within `hoursMax`. */
export function hoursUntil(
  forecast: Forecast,
  bytes: number,
  now: number,
  band: keyof Range,
  hoursMax: number,
): number | undefined {
  for (let hours = 1; hours <= hoursMax; hours++) {
    if (forecastAt(forecast, now + hours * hourMs)[band] >= bytes) return hours;
  }
  return undefined;
}

const yearHours = 365 * dayHours;

/** Days until `bytes` are reached; null where a year does not reach them. */
export interface DaysToFull {
  /** One time in ten it is sooner. */
  readonly early: number | null;
  readonly expected: number | null;
  /** One time in ten it is later. */
  readonly late: number | null;
}

export function daysToFull(forecast: Forecast, bytes: number, now: number): DaysToFull {
  const days = (band: keyof Range) => {
    const hours = hoursUntil(forecast, bytes, now, band, yearHours);
    return hours === undefined ? null : hours / dayHours;
  };
  return { early: days('p90'), expected: days('p50'), late: days('p10') };
}

export type Trend = {
  readonly kind: 'growing' | 'shrinking' | 'stable';
  readonly bytesPerDay: number;
  /** Of history that there was, at most what was asked for. */
  readonly hours: number;
};

/** Of the capacity: what changes by less over the whole time is stable. */
const stableShare = 0.01;

/** How use went over the last `hours`. @returns undefined with less than three hours of history */
export function trendOf(
  samples: readonly UseSample[],
  now: number,
  hours: number,
  capacityBytes: number,
): Trend | undefined {
  const hour = Math.floor(now / hourMs);
  const series = hourly(samples, hour).slice(-hours);
  if (series.length < 3) return undefined;
  const bytesPerDay =
    series.length >= forecastHoursMin ? growthOf(series) : slopeOf(series) * dayHours;
  const change = (bytesPerDay * series.length) / dayHours;
  const kind =
    Math.abs(change) < stableShare * capacityBytes
      ? 'stable'
      : change > 0
        ? 'growing'
        : 'shrinking';
  return { kind, bytesPerDay, hours: series.length };
}

/** Long enough for six samples by default, short enough to see a runaway writer within the hour. */
const surgeMs = hourMs;
/** Fewer are a jump, not a pace. */
const surgeSamplesMin = 4;

/** Bytes an hour by which use rises right now, by the last hour; 0 when it does not. */
export function risingBytesPerHour(samples: readonly UseSample[], now: number): number {
  const recent = samples.filter(({ at }) => at >= now - surgeMs && at <= now);
  if (recent.length < surgeSamplesMin) return 0;
  const slopes: number[] = [];
  for (const [i, from] of recent.entries()) {
    for (const to of recent.slice(i + 1)) {
      if (to.at > from.at) {
        slopes.push(((to.usedBytes - from.usedBytes) * hourMs) / (to.at - from.at));
      }
    }
  }
  return Math.max(0, median(slopes));
}

/** The most of each hour up to `hour`; one without a sample is like the one before. */
function hourly(samples: readonly UseSample[], hour: number): number[] {
  const from = hour - forecastHoursMax + 1;
  const most = new Map<number, number>();
  for (const { at, usedBytes } of samples) {
    const bin = Math.floor(at / hourMs);
    if (bin >= from && bin <= hour) most.set(bin, Math.max(most.get(bin) ?? 0, usedBytes));
  }
  if (most.size === 0) return [];
  const series: number[] = [];
  for (let bin = Math.min(...most.keys()); bin <= hour; bin++) {
    series.push(most.get(bin) ?? series.at(-1)!);
  }
  return series;
}

/** Against a moving mean of one day, the median by hour of the day. */
function seasonOf(series: readonly number[], first: number): number[] {
  const half = dayHours / 2;
  const byHour: number[][] = Array.from({ length: dayHours }, () => []);
  let sum = series.slice(0, dayHours).reduce((total, used) => total + used, 0);
  for (let at = half; at + half < series.length; at++) {
    const ends = (series[at + half]! - series[at - half]!) / 2;
    byHour[(first + at) % dayHours]!.push(series[at]! - (sum + ends) / dayHours);
    sum += series[at + half]! - series[at - half]!;
  }
  const season = byHour.map((each) => (each.length === 0 ? 0 : median(each)));
  const mean = season.reduce((total, each) => total + each, 0) / dayHours;
  return season.map((each) => each - mean);
}

/** Bytes a day: the median of what changed between the same hours of any two days. */
function growthOf(series: readonly number[]): number {
  const changes: number[] = [];
  for (let at = 0; at < series.length; at++) {
    for (let days = 1; at + days * dayHours < series.length; days++) {
      changes.push((series[at + days * dayHours]! - series[at]!) / days);
    }
  }
  return median(changes);
}

/** Bytes an hour: the median over all pairs (Theil and Sen). */
function slopeOf(series: readonly number[]): number {
  const slopes = series.flatMap((from, i) =>
    series.slice(i + 1).map((to, distance) => (to - from) / (distance + 1)),
  );
  return median(slopes);
}

const levelAt = (flat: readonly number[], at: number): number =>
  median(flat.slice(Math.max(0, at - levelHours + 1), at + 1));

function errorsAt(
  flat: readonly number[],
  levels: readonly number[],
  hours: number,
  growthBytesPerDay: number,
) {
  const growth = (growthBytesPerDay * hours) / dayHours;
  const errors: number[] = [];
  for (let at = levelHours - 1; at + hours < flat.length; at++) {
    errors.push(flat[at + hours]! - levels[at]! - growth);
  }
  if (errors.length < errorsMin) return [];
  const inOrder = sorted(errors);
  const low = Math.min(0, quantile(inOrder, 0.1));
  const high = Math.max(0, quantile(inOrder, 0.9));
  return [{ hours, low, high }];
}

/** Between measured distances in proportion; beyond them as the root of the distance, as a random walk. */
function errorOf({ errors }: Forecast, ahead: number) {
  const next = errors.findIndex(({ hours }) => hours >= ahead);
  if (next === 0) return errors[0]!;
  if (next < 0) {
    const { hours, low, high } = errors.at(-1)!;
    const scale = Math.sqrt(ahead / hours);
    return { low: low * scale, high: high * scale };
  }
  const from = errors[next - 1]!;
  const to = errors[next]!;
  const share = (ahead - from.hours) / (to.hours - from.hours);
  return {
    low: from.low + (to.low - from.low) * share,
    high: from.high + (to.high - from.high) * share,
  };
}

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

const median = (values: readonly number[]): number => quantile(sorted(values), 0.5);

/** Of sorted values, with what lies between two in proportion. */
function quantile(inOrder: Float64Array, share: number): number {
  const at = share * (inOrder.length - 1);
  const below = Math.floor(at);
  const low = inOrder[below]!;
  return low + (inOrder[Math.ceil(at)]! - low) * (at - below);
}
