import {
  type ChunkKind,
  holdsKind,
  type NodeClass,
  type Redundancy,
  slotBytes,
  slotCount,
} from './fleet.ts';
import { byCodeUnit, chunkId, type NodeId, type Zone } from './ids.ts';
import { fillHardMax } from './limits.ts';
import type { Block } from './plan.ts';
import { rendezvousScore } from './rendezvous.ts';
import { type Bytes, bytes } from './units.ts';

/** A node that may take writes. */
export interface Room {
  readonly id: NodeId;
  readonly zone: Zone;
  readonly class: NodeClass;
  readonly capacity: Bytes;
  readonly used: Bytes;
}

export interface WriteRequest {
  readonly size: Bytes;
  readonly kind: ChunkKind;
  readonly redundancy: Redundancy;
  /** Equal seeds choose equal holders, as long as the same nodes have room. */
  readonly seed: string;
  /** Share of a node's capacity that writes may fill. @default 0.95 */
  readonly fillHard?: number;
  /** @default 'roomiest' */
  readonly placement?: Placement;
}

/** Which node is preferred among those that fit: one with more free bytes, or one with more capacity. */
export type Placement = 'roomiest' | 'hash';

export type WriteChoice =
  | { readonly kind: 'placed'; readonly holders: readonly NodeId[] }
  | { readonly kind: 'blocked'; readonly blocks: readonly Block[] };

/**
 * Chooses the holders of a new chunk, by slot: as many zones as the rule wants of those that `rooms` has,
 * the slots spread evenly over them. Among nodes it is rendezvous hashing: weighted by free bytes emptier
 * nodes take more, and equal seeds agree while the fill does; weighted by capacity (`hash`) a seed's holders
 * stay the same while the fleet does, and a node more takes its own share and moves nothing else.
 */
export function placeWrite(rooms: readonly Room[], request: WriteRequest): WriteChoice {
  const slots = slotCount(request.redundancy);
  const zones = rankedByZone(rooms, request);
  const fitting = zones.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const open = zones.filter(({ nodes }) => nodes.length > 0);
  if (open.length < Math.min(slots, zones.length)) {
    return { kind: 'blocked', blocks: zonesWithoutRoom(zones, rooms, request) };
  }
  if (fitting < slots) {
    const chunk = chunkId(request.seed);
    const block = { kind: 'too-few-holders', chunk, live: fitting, needed: slots } as const;
    return { kind: 'blocked', blocks: [block] };
  }
  return { kind: 'placed', holders: dealt(open, slots) };
}

interface RankedZone {
  readonly zone: Zone;
  /** Best first: those of the class, with room. */
  readonly nodes: readonly Ranked[];
}

interface Ranked {
  readonly id: NodeId;
  readonly score: number;
}

/** Every zone of `rooms`, the one with the best node first; those without a node that fits come last. */
function rankedByZone(rooms: readonly Room[], request: WriteRequest): RankedZone[] {
  const { seed, placement = 'roomiest', fillHard = fillHardMax } = request;
  const size = slotBytes(request.size, request.redundancy);
  const free = (room: Room) => room.capacity * fillHard - room.used;
  const fits = (room: Room) => holdsKind(room.class, request.kind) && free(room) >= size;
  const weight = (room: Room) => (placement === 'hash' ? room.capacity : free(room));
  const zones = [...Map.groupBy(rooms, ({ zone }) => zone)].map(([zone, members]) => {
    const nodes = members
      .filter(fits)
      .map((room) => ({ id: room.id, score: rendezvousScore(seed, room.id, weight(room)) }))
      .sort((l, r) => r.score - l.score || byCodeUnit(l.id, r.id));
    const best = nodes[0]?.score ?? Number.NEGATIVE_INFINITY;
    // Where slots are left over for a zone must not change with its nodes.
    const rank = placement === 'hash' && nodes.length > 0 ? rendezvousScore(seed, zone, 1) : best;
    return { zone, nodes, rank };
  });
  return zones.sort((l, r) => r.rank - l.rank || byCodeUnit(l.zone, r.zone));
}

/** Deals the slots round the zones until all are dealt; a zone without a node left is passed over. */
function dealt(zones: readonly RankedZone[], slots: number): NodeId[] {
  const holders: NodeId[] = [];
  for (let round = 0; holders.length < slots; round++) {
    for (const { nodes } of zones) {
      const node = nodes[round];
      if (node !== undefined && holders.length < slots) holders.push(node.id);
    }
  }
  return holders;
}

function zonesWithoutRoom(
  zones: readonly RankedZone[],
  rooms: readonly Room[],
  { size, redundancy, fillHard = fillHardMax }: WriteRequest,
): Block[] {
  const free = (zone: Zone) =>
    rooms
      .filter((room) => room.zone === zone)
      .reduce((sum, room) => sum + Math.max(0, room.capacity * fillHard - room.used), 0);
  return zones
    .filter(({ nodes }) => nodes.length === 0)
    .map(({ zone }) => ({
      kind: 'zone-lacks-room',
      zone,
      neededBytes: slotBytes(size, redundancy),
      roomBytes: bytes(Math.floor(free(zone))),
      slots: 1,
    }));
}
