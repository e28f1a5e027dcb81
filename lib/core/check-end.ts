/** What must hold of chunks and nodes when a plan is done. Called by the plan checker only. */
import type { FleetMap } from './fleet-map.ts';
import type { NodeId } from './ids.ts';
import { servesReads, takesCopies } from './lifecycle.ts';
import type { Move } from './plan.ts';
import type { Violation } from './violation.ts';

export interface EndLimits {
  readonly fillHard: number;
  readonly leaving: readonly NodeId[];
  readonly lost: readonly NodeId[];
  /** Slots that are as good as lost, though their holders are not. */
  readonly damaged: ReadonlySet<number>;
}

export function checkEnd(
  fleet: FleetMap,
  after: Int32Array,
  moved: ReadonlyMap<number, Move>,
  limits: EndLimits,
): Violation[] {
  const peak = fleet.occupied.slice();
  for (const slot of moved.keys()) {
    peak[after[slot]!]! += fleet.slotBytes[fleet.chunkOfSlot[slot]!]!;
  }
  const lost = new Set(limits.lost);
  const closed = new Set([...limits.lost, ...limits.leaving]);
  const live = fleet.nodes.map(({ id, state }) => servesReads(state) && !lost.has(id));
  const free = fleet.nodes.map(({ id, capacity, state }, node) =>
    takesCopies(state) && !closed.has(id) ? capacity * limits.fillHard - peak[node]! : -1,
  );
  const chunks = new Set([...moved.keys()].map((slot) => fleet.chunkOfSlot[slot]!));
  return [
    ...checkRoom(fleet, peak, limits.fillHard),
    ...[...chunks].flatMap((chunk) =>
      checkChunk({ ...{ fleet, after, moved, live, free }, damaged: limits.damaged }, chunk),
    ),
  ];
}

function checkRoom(fleet: FleetMap, peak: Float64Array, fillHard: number): Violation[] {
  return fleet.nodes.flatMap(({ id, capacity }, node): Violation[] =>
    peak[node]! > fleet.occupied[node]! && peak[node]! > capacity * fillHard
      ? [{ kind: 'no-room', node: id, peakBytes: peak[node]!, limitBytes: capacity * fillHard }]
      : [],
  );
}

interface End {
  readonly fleet: FleetMap;
  readonly after: Int32Array;
  readonly moved: ReadonlyMap<number, Move>;
  readonly live: readonly boolean[];
  readonly damaged: ReadonlySet<number>;
  /** Room of each node; -1 of one that takes no copies. */
  readonly free: readonly number[];
}

function checkChunk(end: End, chunk: number): Violation[] {
  const { fleet, after } = end;
  const slots = Array.from(
    { length: fleet.slotStart[chunk + 1]! - fleet.slotStart[chunk]! },
    (_, slot) => fleet.slotStart[chunk]! + slot,
  );
  const id = fleet.chunkIds.at(chunk);
  const violations: Violation[] = [];
  const holdersAfter = slots.map((slot) => after[slot]!).filter((holder) => holder >= 0);
  for (const node of repeated(holdersAfter)) {
    violations.push({ kind: 'two-slots-on-node', chunk: id, node: fleet.nodes[node]!.id });
  }
  const zoneOf = (holder: number) => fleet.zoneOfNode[holder]!;
  const spanned = (holders: number[]) =>
    new Set(holders.filter((holder) => end.live[holder]).map(zoneOf)).size;
  const sound = slots.filter((slot) => !end.damaged.has(slot));
  const before = spanned(sound.map((slot) => fleet.holders[slot]!).filter((each) => each >= 0));
  if (spanned(holdersAfter) < before) {
    violations.push({ kind: 'zones-fewer', chunk: id, before, after: spanned(holdersAfter) });
  }
  return [...violations, ...checkStripe(end, chunk, slots, holdersAfter)];
}

const repeated = (values: readonly number[]): number[] =>
  values.filter((value, at) => values.indexOf(value) !== at);

/** No move may end in a zone with more than m shards while another zone has room. */
function checkStripe(
  { fleet, after, moved, live, free }: End,
  chunk: number,
  slots: readonly number[],
  holders: readonly number[],
): Violation[] {
  const rule = fleet.rules[fleet.ruleOfChunk[chunk]!]!;
  if (rule.kind !== 'erasure') return [];
  const shards = new Int32Array(fleet.zones.length);
  for (const holder of holders) if (live[holder]) shards[fleet.zoneOfNode[holder]!]!++;
  if (shards.every((count) => count <= rule.parity)) return [];
  const kind = fleet.isMetadata[chunk] === 1 ? 'metadata' : 'data';
  const roomAt = fleet.nodes.findIndex(
    (node, at) =>
      shards[fleet.zoneOfNode[at]!]! < rule.parity &&
      free[at]! >= fleet.slotBytes[chunk]! &&
      (node.class === 'mixed' || node.class === kind) &&
      !slots.some((slot) => after[slot] === at || fleet.holders[slot] === at),
  );
  if (roomAt < 0) return [];
  const entered = new Set(
    slots.filter((slot) => moved.has(slot)).map((slot) => fleet.zoneOfNode[after[slot]!]!),
  );
  return [...entered]
    .filter((zone) => shards[zone]! > rule.parity)
    .map((zone) => ({
      kind: 'zone-over-parity',
      chunk: fleet.chunkIds.at(chunk),
      zone: fleet.zones[zone]!,
      shards: shards[zone]!,
      parity: rule.parity,
      roomIn: fleet.nodes[roomAt]!.zone,
    }));
}
