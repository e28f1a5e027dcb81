import type { EpochMillis } from './units.ts';

/**
 * Of the time that a deadline leaves, the share that clients get to go elsewhere, and then for their
 * connections to end; the rest is the moves'. Of a spot machine's two minutes these are 6 seconds each.
 */
const clientShareMax = 0.05;

/** A time that clients are given, cut short when the drain has a deadline (0: it has none). */
export const clientMs = (
  wantedMs: number,
  deadline: number,
  since: EpochMillis | number,
): number =>
  deadline === 0 ? wantedMs : Math.max(0, Math.min(wantedMs, clientShareMax * (deadline - since)));
