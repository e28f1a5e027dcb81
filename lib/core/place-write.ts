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
}

export type WriteChoice =
  | { readonly kind: 'placed'; readonly holders: readonly NodeId[] }
  | { readonly kind: 'blocked'; readonly blocks: readonly Block[] };

/**
 * Chooses the holders of a new chunk, by slot: as many zones as the rule wants of those that `rooms` has,
 * the slots spread evenly over them. Among nodes it is rendezvous hashing weighted by free bytes
 * (Schindelhauer and Schomaker 2005), so that emptier nodes take more and equal seeds agree.
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
  const size = slotBytes(request.size, request.redundancy);
  const fillHard = request.fillHard ?? fillHardMax;
  const free = (room: Room) => room.capacity * fillHard - room.used;
  const fits = (room: Room) => holdsKind(room.class, request.kind) && free(room) >= size;
  const zones = [...Map.groupBy(rooms, ({ zone }) => zone)].map(([zone, members]) => ({
    zone,
    nodes: members
      .filter(fits)
      .map((room) => ({ id: room.id, score: score(request.seed, room.id, free(room)) }))
      .sort((l, r) => r.score - l.score || byCodeUnit(l.id, r.id)),
  }));
  const best = ({ nodes }: RankedZone) => nodes[0]?.score ?? Number.NEGATIVE_INFINITY;
  return zones.sort((l, r) => best(r) - best(l) || byCodeUnit(l.zone, r.zone));
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

/** An exponential race with rate `weight`: the chance to win is the share of the weights. */
const score = (seed: string, node: NodeId, weight: number): number =>
  Math.max(weight, 1) / -Math.log(chanceOf(`${seed}\n${node}`));

/** FNV-1a, then Murmur3's finish, as a number strictly between 0 and 1. */
function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
