/**
 * The zone rule. Zones that a chunk spans do not become fewer; no zone holds more than m shards of a
 * stripe while another zone has room.
 */
import type { Draft } from './draft.ts';
import type { FleetMap } from './fleet-map.ts';

/** `last-resort`: keeps or mends what there is, but only when no zone that is `good` has room. */
export type ZoneVerdict = 'good' | 'last-resort' | 'never';

const parityOf = (fleet: FleetMap, slot: number): number => {
  const rule = fleet.rules[fleet.ruleOfChunk[fleet.chunkOfSlot[slot]!]!]!;
  return rule.kind === 'erasure' ? rule.parity : Number.POSITIVE_INFINITY;
};

/** How many other slots of the chunk live nodes of the zone hold, as after the moves so far. */
function othersIn(draft: Draft, slot: number, zone: number): number {
  const { fleet, live } = draft;
  const chunk = fleet.chunkOfSlot[slot]!;
  let count = 0;
  for (let other = fleet.slotStart[chunk]!; other < fleet.slotStart[chunk + 1]!; other++) {
    const holder = draft.holderOf(other);
    if (other === slot || holder < 0 || fleet.zoneOfNode[holder] !== zone) continue;
    count += live[holder]!;
  }
  return count;
}

/** May a slot that is alive move from its own zone into `zone`? */
export function judgeZone(draft: Draft, slot: number, zone: number): ZoneVerdict {
  const own = draft.fleet.zoneOfNode[draft.holderOf(slot)]!;
  const parity = parityOf(draft.fleet, slot);
  if (zone === own) {
    if (parity === Number.POSITIVE_INFINITY) return 'good';
    return othersIn(draft, slot, own) < parity ? 'good' : 'last-resort';
  }
  const others = othersIn(draft, slot, zone);
  if (others > 0 && othersIn(draft, slot, own) === 0) return 'never';
  return others < parity ? 'good' : 'never';
}

/** May a slot that was lost be built again in `zone`? A crowded zone is better than a missing slot. */
export function judgeZoneOfRepair(draft: Draft, slot: number, zone: number): ZoneVerdict {
  const others = othersIn(draft, slot, zone);
  const parity = parityOf(draft.fleet, slot);
  if (parity !== Number.POSITIVE_INFINITY) return others < parity ? 'good' : 'last-resort';
  return others === 0 ? 'good' : 'last-resort';
}
