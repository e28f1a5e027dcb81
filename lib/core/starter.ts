import { type Ends, type Flight, type Meter, Meters, type RateBudgets } from './budget.ts';
import { byRank, byTimeLeft, count, type Line, type Rank, ranksOf } from './lines.ts';
import { Partners } from './partners.ts';
import type { Batch, Start } from './schedule.ts';
import { isTurn, type Order } from './scheduling-policies.ts';
import { type BytesPerSecond, bytesPerSecond } from './units.ts';

/** How good a rate must be: at least half of what the busier end would give, or just enough. */
type Bar = 'fair' | 'enough';

/**
 * List scheduling (Graham 1966) over flows: rank by rank, and in a rank the batch between the two nodes
 * with most seconds left. The busier end of a batch decides its rate, an equal share of what is free
 * there among as many flights as can be had; the other end gives all of it. What does not fit is passed
 * over and holds up nothing.
 */
export class Starter {
  readonly #meters: Meters;
  readonly #ranks: readonly Rank[];
  readonly #linesAt = new Map<Meter, Line[]>();
  readonly #partners: Partners;

  constructor(pending: readonly Batch[], budgets: RateBudgets, order: Order) {
    this.#meters = new Meters(budgets);
    this.#ranks = ranksOf(pending, order, this.#meters);
    const lines = this.#ranks.flatMap((rank) => rank.lines);
    for (const line of lines) {
      for (const meter of line.ends) {
        const at = this.#linesAt.get(meter);
        if (at === undefined) this.#linesAt.set(meter, [line]);
        else at.push(line);
      }
    }
    this.#partners = new Partners(lines, this.#meters);
  }

  reserve(flight: Flight): void {
    for (const meter of this.#meters.of(flight)) meter.reserve(flight, 1);
  }

  release(flight: Flight): void {
    for (const meter of this.#meters.of(flight)) meter.reserve(flight, -1);
  }

  /** Starts all that may start now. */
  startAll(): Start[] {
    return this.#ranks.flatMap((rank) => {
      const starts = this.#startOf(rank.lines);
      if (isTurn(rank.order)) for (const line of rank.lines) this.#keepRoom(line);
      return starts;
    });
  }

  /** As {@link startAll}, where only what is between these ends has become free. */
  startAt(freed: Iterable<Ends>): Start[] {
    // What counts in the whole fleet or between two zones has become free for all.
    if (this.#hasWideLimits) return this.startAll();
    const meters = new Set([...freed].flatMap((ends) => [...this.#meters.of(ends)]));
    const lines = new Set([...meters].flatMap((meter) => this.#linesAt.get(meter) ?? []));
    return [...Map.groupBy(lines, ({ rank }) => rank)]
      .sort(([left], [right]) => byRank(left, right))
      .flatMap(([, each]) => this.#startOf(each));
  }

  /** What has its turn and does not fit yet finds room when the flights at its ends are over. */
  #keepRoom({ batches, meters, isCritical }: Line): void {
    const { batchRateBytes: rate } = this.#meters.budgets;
    for (const { moves } of batches)
      for (const meter of meters)
        meter.reserve({ rate: bytesPerSecond(rate), moves, isCritical }, 1);
  }

  get #hasWideLimits(): boolean {
    const { budgets, fleet } = this.#meters;
    const { zonePairRateBytes = 0, zonePairBatchesMax = 0, fleetRateBytes = 0 } = budgets;
    const isFull = fleet.batches + 1 >= fleet.limit.batches;
    return isFull || zonePairRateBytes + zonePairBatchesMax + fleetRateBytes > 0;
  }

  #startOf(lines: readonly Line[]): Start[] {
    if (this.#meters.fleet.freeFor(0, true) <= 0) return [];
    const all: Start[] = [];
    for (const bar of ['fair', 'enough'] as const) {
      for (let round = this.#round(lines, bar); round.length > 0; round = this.#round(lines, bar))
        all.push(...round);
    }
    return all;
  }

  /** One batch of each line at most, and of each node that leaves: those take turns. */
  #round(lines: readonly Line[], bar: Bar): Start[] {
    const starts: Start[] = [];
    const served = new Set<Meter>();
    for (const line of byTimeLeft(lines)) {
      if (line.isLeaving && served.has(line.ends[0]!)) continue;
      const start = this.#tryStart(line, bar);
      if (start === undefined) continue;
      served.add(line.ends[0]!);
      starts.push(start);
    }
    return starts;
  }

  #tryStart(line: Line, bar: Bar): Start | undefined {
    if (line.batches.length === 0) return undefined;
    const rate = this.#rateOf(line, bar);
    if (rate === undefined) return undefined;
    const batch = line.batches.find(({ moves }) => this.#fits(line, moves));
    if (batch === undefined) return undefined;
    count(line, batch, 'out');
    this.#partners.forget(line);
    const { moves, id } = batch;
    for (const meter of line.meters) meter.reserve({ rate, moves, isCritical: line.isCritical }, 1);
    return { id, rate };
  }

  #fits({ meters, isCritical }: Line, moves: number): boolean {
    return meters.every((meter) => meter.freeFor(moves, isCritical) > 0);
  }

  /** Bytes per second; none if a count is used up or too little is free. */
  #rateOf(line: Line, bar: Bar): BytesPerSecond | undefined {
    const { meters, ends, isCritical } = line;
    if (ends.some((end) => end.batches >= this.#partners.flightsMax(end))) return undefined;
    const free = Math.min(...meters.map((meter) => meter.freeFor(0, isCritical)));
    const least = this.#leastRate(line);
    if (free < least) return undefined;
    const fair = this.#fairShare(line);
    const wanted = Math.min(free, Math.max(fair, least));
    const rate = Math.floor(free - wanted < least ? free : wanted);
    return rate > 0 && (bar === 'enough' || rate >= fair / 2) ? bytesPerSecond(rate) : undefined;
  }

  #leastRate({ meters }: Line): number {
    return Math.min(this.#meters.budgets.batchRateBytes, ...meters.map(({ limit }) => limit.rate));
  }

  /**
   * Of what is free at the busier end, among the flights that may still join there: alike while more waits
   * than may join, and by their bytes among the last ones, which then end together.
   */
  #fairShare({ ends, isCritical, batches }: Line): number {
    const busier = ends.reduce((most, end) => (end.secondsLeft > most.secondsLeft ? end : most));
    const open = Math.max(1, this.#partners.flightsWanted(busier) - busier.batches);
    const { waiting } = busier;
    const isLastRound = waiting.batches <= open && waiting.bytes > 0;
    const share = isLastRound ? batches[0]!.bytes / waiting.bytes : 1 / open;
    return busier.freeFor(0, isCritical) * share;
  }
}
