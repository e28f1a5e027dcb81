/** Who waits for what in a simulated schedule, and how far budgets are used. */
import type { RateBudgets } from './budget.ts';
import type { NodeId } from './ids.ts';
import type { Flown, Simulation } from './simulate-schedule.ts';

export type Direction = 'out' | 'in';

/** One direction of one node. */
export interface NodeEnd {
  readonly node: NodeId;
  readonly direction: Direction;
  readonly bytes: number;
  readonly moves: number;
  /** Of the makespan, how long at least one of its batches flew. */
  readonly busyShare: number;
  /** When its last batch ended. */
  readonly doneSeconds: number;
  /** Moves that started as soon as a batch at this end was over, and how long they had waited at most. */
  readonly movesWaiting: number;
  readonly waitSecondsMax: number;
}

export interface Peaks {
  readonly fleetBatches: number;
  /** At the node that has most of it, out or in. */
  readonly nodeBatches: number;
  readonly nodeRateBytes: number;
}

export interface Misses {
  readonly moves: number;
  readonly bytes: number;
  /** Sources that are not empty in time, the latest first. */
  readonly lateNodes: readonly { readonly node: NodeId; readonly doneSeconds: number }[];
}

/** The ends of all nodes that move anything, those that most waits for first. */
export function nodeEnds({ flown, makespanSeconds }: Simulation): NodeEnd[] {
  const waits = waitsByEnd(flown);
  return (['out', 'in'] as const)
    .flatMap((direction) =>
      [...flownBy(flown, direction)].map(([node, flights]): NodeEnd => {
        const waiting = waits[direction].get(node) ?? [];
        return {
          node,
          direction,
          bytes: sum(flights, ({ batch }) => batch.bytes),
          moves: sum(flights, ({ batch }) => batch.moves),
          busyShare: makespanSeconds > 0 ? busySeconds(flights) / makespanSeconds : 0,
          doneSeconds: flights.reduce((last, { endedAt }) => Math.max(last, endedAt), 0),
          movesWaiting: sum(waiting, ({ batch }) => batch.moves),
          waitSecondsMax: waiting.reduce((most, { startedAt }) => Math.max(most, startedAt), 0),
        };
      }),
    )
    .sort(
      (l, r) =>
        r.doneSeconds * r.movesWaiting - l.doneSeconds * l.movesWaiting || r.bytes - l.bytes,
    );
}

const flownBy = (flown: readonly Flown[], direction: Direction): Map<NodeId, Flown[]> =>
  Map.groupBy(flown, ({ batch }) => (direction === 'out' ? batch.from : batch.to));

const sum = <T>(all: readonly T[], of: (each: T) => number): number =>
  all.reduce((total, each) => total + of(each), 0);

/** Batches start in order, so intervals that overlap follow each other. */
function busySeconds(flights: readonly Flown[]): number {
  let busy = 0;
  let until = 0;
  for (const { startedAt, endedAt } of flights) {
    busy += Math.max(0, endedAt - Math.max(until, startedAt));
    until = Math.max(until, endedAt);
  }
  return busy;
}

/**
 * A batch that starts late has waited for the end at which another batch was over just then: its source if
 * both of its ends were, and none if it waited for the fleet's budget.
 */
function waitsByEnd(flown: readonly Flown[]): Record<Direction, Map<NodeId, Flown[]>> {
  const endsOf = (direction: Direction) =>
    new Map(
      [...flownBy(flown, direction)].map(([node, flights]) => [
        node,
        new Set(flights.map(({ endedAt }) => endedAt)),
      ]),
    );
  const ends = { out: endsOf('out'), in: endsOf('in') };
  const waits = { out: new Map<NodeId, Flown[]>(), in: new Map<NodeId, Flown[]>() };
  for (const flight of flown.filter(({ startedAt }) => startedAt > 0)) {
    const { from, to } = flight.batch;
    const isFor = (direction: Direction, node: NodeId) =>
      ends[direction].get(node)?.has(flight.startedAt) === true;
    if (isFor('out', from)) append(waits.out, from, flight);
    else if (isFor('in', to)) append(waits.in, to, flight);
  }
  return waits;
}

function append(lists: Map<NodeId, Flown[]>, node: NodeId, flight: Flown): void {
  const list = lists.get(node);
  if (list === undefined) lists.set(node, [flight]);
  else list.push(flight);
}

export function peaksOf({ flown, inFlightMost }: Simulation): Peaks {
  const both = (['out', 'in'] as const).flatMap((direction) => [
    ...flownBy(flown, direction).values(),
  ]);
  const most = (of: (flight: Flown) => number) =>
    both.reduce((peak, flights) => Math.max(peak, peakOf(flights, of)), 0);
  return {
    fleetBatches: inFlightMost,
    nodeBatches: most(() => 1),
    nodeRateBytes: most(({ rate }) => rate),
  };
}

/** The most of it that is in flight at once; what ends just when another starts does not count with it. */
function peakOf(flights: readonly Flown[], of: (flight: Flown) => number): number {
  const changes = flights
    .flatMap((flight) => [
      { at: flight.startedAt, by: of(flight) },
      { at: flight.endedAt, by: -of(flight) },
    ])
    .sort((l, r) => l.at - r.at || l.by - r.by);
  let now = 0;
  let peak = 0;
  for (const { by } of changes) {
    now += by;
    peak = Math.max(peak, now);
  }
  return peak;
}

/** What is not over `deadlineSeconds` after the start. */
export function missesOf({ flown }: Simulation, deadlineSeconds: number): Misses {
  const late = flown.filter(({ endedAt }) => endedAt > deadlineSeconds);
  const lateNodes = [...flownBy(late, 'out')].map(([node, flights]) => ({
    node,
    doneSeconds: flights.reduce((last, { endedAt }) => Math.max(last, endedAt), 0),
  }));
  return {
    moves: sum(late, ({ batch }) => batch.moves),
    bytes: sum(late, ({ batch }) => batch.bytes),
    lateNodes: lateNodes.sort((l, r) => r.doneSeconds - l.doneSeconds),
  };
}

/** By how much the busiest budgets are used at their peak: 1 is all of it. */
export const useOf = (peaks: Peaks, budgets: RateBudgets) => ({
  fleetBatches: peaks.fleetBatches / budgets.fleetBatchesMax,
  nodeBatches: peaks.nodeBatches / budgets.nodeBatchesMax,
  nodeRate: peaks.nodeRateBytes / budgets.nodeRateBytes,
});
