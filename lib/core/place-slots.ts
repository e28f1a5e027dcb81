/** Finds new holders for slots that must leave their nodes: the shared middle of drain and repair. */
import type { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';
import { blocksListedMax } from './limits.ts';
import type { Placement } from './place-write.ts';
import type { Block } from './plan.ts';
import { PreferredSeats } from './preferred-seats.ts';
import { Seats } from './seats.ts';
import type { ZoneVerdict } from './spread.ts';
import { bytes } from './units.ts';

export interface PlaceRules {
  readonly judge: (draft: Draft, slot: number, zone: number) => ZoneVerdict;
  /** @default 'roomiest' */
  readonly placement?: Placement;
  /** Slots whose holder may write them anew. @default none */
  readonly mayStay?: ReadonlySet<number>;
}

/**
 * Gives each slot, in order, to the least filled node that fits (or, under `hash`, to the one that its chunk
 * prefers): in its own zone if the zone rule likes that, else in another. One that may stay does
 * so before it leaves a zone that the rule likes, or enters one that is only better than none. What has no target comes
 * back as blocks.
 */
export function placeSlots(draft: Draft, slots: Iterable<number>, rules: PlaceRules): Block[] {
  const { fleet } = draft;
  const seats =
    rules.placement === 'hash'
      ? new PreferredSeats(draft)
      : new Seats(draft, fleet.nodes.keys(), (node) => fillOf(draft, node));
  const homes = fleet.nodes.map((_, node) => fleet.zoneOfNode[node]!);
  const roomBefore = roomByZone(draft);
  const needed = new Float64Array(fleet.zones.length);
  const unplaced: number[] = [];
  for (const slot of slots) {
    const home = homes[fleet.holders[slot]!]!;
    needed[home]! += draft.bytesOf(slot);
    const seat = seatFor(draft, seats, { slot, home }, rules);
    if (seat === undefined) unplaced.push(slot);
    else draft.move(slot, seat);
  }
  return [
    ...zonesWithoutRoom(draft, unplaced, needed, roomBefore),
    ...unplaced.slice(0, blocksListedMax).map((slot) => noNodeFits(draft, slot, rules)),
  ];
}

const fillOf = (draft: Draft, node: number): number =>
  draft.peak[node]! / draft.fleet.nodes[node]!.capacity;

function seatFor(
  draft: Draft,
  seats: Pick<Seats, 'pick'>,
  { slot, home }: Homed,
  rules: PlaceRules,
): number | undefined {
  const stays = rules.mayStay?.has(slot) && draft.canStay(slot);
  const own = stays ? draft.fleet.holders[slot]! : undefined;
  const atHome = rules.judge(draft, slot, home);
  const first = atHome === 'good' ? (seats.pick(home, slot) ?? own) : undefined;
  if (first !== undefined) return first;
  const others = otherZones(draft, slot, home, rules);
  const good = others.filter(({ verdict }) => verdict === 'good');
  const worse = [
    ...(atHome === 'last-resort' ? [{ zone: home }] : []),
    ...others.filter(({ verdict }) => verdict === 'last-resort'),
  ];
  const seatIn = (zones: readonly { readonly zone: number }[]) =>
    firstOf(zones, ({ zone }) => seats.pick(zone, slot));
  return seatIn(good) ?? own ?? seatIn(worse);
}

function firstOf<T>(values: readonly T[], find: (value: T) => number | undefined) {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Homed {
  readonly slot: number;
  readonly home: number;
}

/** The zones besides home that the zone rule allows, the one with most room first. */
function otherZones(draft: Draft, slot: number, home: number, { judge }: PlaceRules) {
  const allowed = [...draft.fleet.zones.keys()]
    .filter((zone) => zone !== home)
    .map((zone) => ({ zone, verdict: judge(draft, slot, zone) }))
    .filter(({ verdict }) => verdict !== 'never');
  if (allowed.length < 2) return allowed;
  const room = roomByZone(draft);
  return allowed.sort((l, r) => room[r.zone]! - room[l.zone]! || l.zone - r.zone);
}

function roomByZone(draft: Draft): Float64Array {
  const room = new Float64Array(draft.fleet.zones.length);
  for (const node of draft.fleet.nodes.keys()) {
    if (draft.isOpen(node)) room[draft.fleet.zoneOfNode[node]!]! += draft.room(node);
  }
  return room;
}

function zonesWithoutRoom(
  draft: Draft,
  unplaced: readonly number[],
  needed: Float64Array,
  room: Float64Array,
): Block[] {
  const slots = new Int32Array(needed.length);
  for (const slot of unplaced) slots[draft.fleet.zoneOfNode[draft.fleet.holders[slot]!]!]!++;
  return draft.fleet.zones.flatMap((zone, at) =>
    slots[at] === 0
      ? []
      : [
          {
            kind: 'zone-lacks-room',
            zone,
            neededBytes: bytes(needed[at]!),
            roomBytes: bytes(Math.floor(room[at]!)),
            slots: slots[at]!,
          },
        ],
  );
}

function noNodeFits(draft: Draft, slot: number, { judge }: PlaceRules): Block {
  const { fleet } = draft;
  const zones = fleet.zones.filter((_, zone) => judge(draft, slot, zone) !== 'never');
  return {
    kind: 'no-node-fits',
    chunk: chunkIdOf(fleet, slot),
    bytes: bytes(draft.bytesOf(slot)),
    from: fleet.nodes[fleet.holders[slot]!]!.id,
    zones,
  };
}

export const chunkIdOf = (fleet: FleetMap, slot: number) =>
  fleet.chunkIds.at(fleet.chunkOfSlot[slot]!);
