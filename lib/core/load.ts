/**
 * A month of a fleet's use, drawn from a seed: a daily and a weekly cycle, growth, a spike, and a mistake
 * (a runaway writer whose files are deleted hours later). Nothing in it is known to the rules that are
 * replayed over it.
 */
import { hourMs, type UseSample } from './forecast.ts';
import { type Zone, zone } from './ids.ts';

/** What zones hold at any moment of a stretch of time. */
export interface Load {
  readonly zones: readonly Zone[];
  readonly from: number;
  readonly to: number;
  /** Bytes that the zone (an index of `zones`) holds. */
  usedAt(zone: number, at: number): number;
}

export const loadShapes = ['growing', 'steady', 'weekly', 'ebbing', 'steps'] as const;
/** `calm` has neither spike nor mistake. */
export type LoadShape = (typeof loadShapes)[number] | 'calm';

const dayMs = 24 * hourMs;
const days = 30;
/** A Monday. */
const start = Date.UTC(2026, 5, 1);

interface Hump {
  readonly at: number;
  readonly rise: number;
  readonly stay: number;
  readonly fall: number;
  readonly share: number;
}

/** @param baseBytes what a zone holds at the beginning, cycles and chance aside */
export function generateMonth(seed: number, shape: LoadShape, baseBytes: number): Load {
  const next = generator(seed);
  const between = (low: number, high: number) => low + (high - low) * next();
  const growth = growthOf(shape, between(0.1, 0.4));
  const day = { share: between(0.02, 0.08), phase: between(0, 24) };
  const week = { weekly: between(0.04, 0.1) }[shape as string] ?? 0;
  const step: Hump = { ...ever, at: between(4, 26), rise: 12, share: between(0.1, 0.25) };
  const spike = spikeFrom(between);
  const mistake = mistakeFrom(between);
  const humps = { steps: [spike, mistake, step], calm: [] }[shape as string] ?? [spike, mistake];
  const noise = Array.from({ length: days * 24 + 2 }, () => between(-0.004, 0.004));
  const zones = ['a', 'b', 'c'].map(zone);
  const skew = zones.map(() => between(0.98, 1.02));
  const shareAt = (at: number) => {
    const hours = (at - start) / hourMs;
    const cycle = Math.sin(((hours - day.phase) / 24) * 2 * Math.PI) * day.share;
    const weekend = Math.floor(hours / 24) % 7 >= 5 ? -week : 0;
    const grown = 1 + (growth * hours) / (days * 24);
    const humped = humps.reduce((sum, hump) => sum + heightAt(hump, hours), 0);
    return grown + cycle + weekend + humped + noiseAt(noise, hours);
  };
  return {
    zones,
    from: start,
    to: start + days * dayMs,
    usedAt: (at, when) => baseBytes * skew[at]! * Math.max(0.05, shareAt(when)),
  };
}

const growthOf = (shape: LoadShape, drawn: number): number =>
  ({
    growing: drawn,
    weekly: drawn / 2,
    steps: drawn / 4,
    steady: 0,
    calm: drawn / 2,
    ebbing: -drawn / 2,
  })[shape];

type Between = (low: number, high: number) => number;

/** Days and hours; shares of the base. */
const ever: Hump = { at: 0, rise: 0, stay: Number.POSITIVE_INFINITY, fall: 1, share: 0 };

const spikeFrom = (between: Between): Hump => ({
  at: between(3, 9),
  rise: between(4, 12),
  stay: between(12, 40),
  fall: between(4, 12),
  share: between(0.5, 1),
});

const mistakeFrom = (between: Between): Hump => ({
  at: between(11, 20),
  rise: between(8, 24),
  stay: between(2, 10),
  fall: between(0.5, 2),
  share: between(0.8, 1.6),
});

function heightAt({ at, rise, stay, fall, share }: Hump, hours: number): number {
  const into = hours - at * 24;
  if (into <= 0) return 0;
  if (into < rise) return (share * into) / rise;
  const after = into - rise - stay;
  return after <= 0 ? share : share * Math.max(0, 1 - after / fall);
}

function noiseAt(noise: readonly number[], hours: number): number {
  const at = Math.floor(hours);
  return noise[at]! + (noise[at + 1]! - noise[at]!) * (hours - at);
}

/** What was recorded of a zone, oldest first. */
export interface RecordedZone {
  readonly zone: Zone;
  readonly samples: readonly UseSample[];
}

/** A load as it was recorded: between two samples in proportion, outside them like the nearest. */
export function recordedLoad(recorded: readonly RecordedZone[]): Load {
  const times = recorded.flatMap(({ samples }) => samples.map(({ at }) => at));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const places = recorded.map(() => 0);
  const usedAt = (zone: number, at: number): number => {
    const { samples } = recorded[zone]!;
    // Replays ask in the order of time: the place is near the last one.
    let place = at < (samples[places[zone]!]?.at ?? 0) ? 0 : places[zone]!;
    while (place + 1 < samples.length && samples[place + 1]!.at <= at) place++;
    places[zone] = place;
    return between(samples[place]!, samples[place + 1], at);
  };
  return { zones: recorded.map((each) => each.zone), from, to, usedAt };
}

function between(from: UseSample, to: UseSample | undefined, at: number): number {
  if (to === undefined || at <= from.at) return from.usedBytes;
  return from.usedBytes + ((to.usedBytes - from.usedBytes) * (at - from.at)) / (to.at - from.at);
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
