import type { Meter, Meters } from './budget.ts';
import { byCodeUnit } from './ids.ts';
import type { Batch } from './schedule.ts';
import type { Order } from './scheduling-policies.ts';

/** Batches of one rank between the same two nodes: the largest starts first, the small ones fill the end. */
export interface Line {
  readonly rank: Rank;
  readonly batches: Batch[];
  /** All that count for it, and of these those of its nodes. */
  readonly meters: readonly Meter[];
  readonly ends: readonly Meter[];
  readonly isCritical: boolean;
  /** Its source leaves the fleet. */
  readonly isLeaving: boolean;
}

/** Lines that go before those of later ranks. */
export interface Rank {
  readonly order: readonly number[];
  readonly lines: Line[];
}

export function byRank(left: Rank, right: Rank): number {
  for (const [at, mine] of left.order.entries()) {
    const other = right.order[at]!;
    if (mine !== other) return mine < other ? -1 : 1;
  }
  return 0;
}

/** Most urgent first; what waits is counted at its meters. */
export function ranksOf(pending: readonly Batch[], order: Order, meters: Meters): readonly Rank[] {
  const ranks = new Map<string, Rank>();
  const lines = new Map<string, Line>();
  const largestFirst = [...pending].sort(
    (left, right) => right.bytes - left.bytes || byCodeUnit(left.id, right.id),
  );
  for (const batch of largestFirst) {
    const place = order(batch);
    const name = place.join();
    const rank = ranks.get(name) ?? { order: place, lines: [] };
    ranks.set(name, rank);
    const between = `${name}\n${batch.from}\n${batch.to}`;
    const line = lines.get(between) ?? addLine(rank, batch, meters);
    lines.set(between, line);
    line.batches.push(batch);
    count(line, batch, 'in');
  }
  return [...ranks.values()].sort(byRank);
}

function addLine(rank: Rank, batch: Batch, meters: Meters): Line {
  const all = meters.of(batch);
  const line: Line = {
    rank,
    batches: [],
    meters: all,
    ends: all.slice(0, batch.isLost ? 1 : 2),
    isCritical: batch.urgency === 'critical',
    isLeaving: batch.isLeaving ?? false,
  };
  rank.lines.push(line);
  return line;
}

/** The batch has come to wait in this line, or has gone out of it. */
export function count(line: Line, batch: Batch, way: 'in' | 'out'): void {
  const sign = way === 'in' ? 1 : -1;
  if (way === 'out') line.batches.splice(line.batches.indexOf(batch), 1);
  for (const { waiting } of line.meters) {
    waiting.batches += sign;
    waiting.bytes += sign * batch.bytes;
    waiting.critical += line.isCritical ? sign : 0;
  }
}

/** Lines with most seconds left at their busier end first, then at both. */
export function byTimeLeft(lines: readonly Line[]): readonly Line[] {
  return lines
    .filter(({ batches }) => batches.length > 0)
    .map((line) => ({ line, seconds: line.ends.map(({ secondsLeft }) => secondsLeft) }))
    .map(({ line, seconds }) => ({
      line,
      most: Math.max(...seconds),
      both: seconds.reduce((sum, each) => sum + each, 0),
      first: line.batches[0]!.id,
    }))
    .sort(
      (left, right) =>
        right.most - left.most || right.both - left.both || byCodeUnit(left.first, right.first),
    )
    .map(({ line }) => line);
}
