/**
 * A fleet as a replay models it: zones' use comes from the load, nodes take time to come, and bytes move at
 * the nodes' rates. Writes go to active nodes by their room, deletions hit all alike, copies stay in their
 * zone.
 */
import { byCodeUnit, type NodeId, nodeId, type Zone } from './ids.ts';
import type { NodeType } from './node-type.ts';

export interface ModelNode {
  readonly id: NodeId;
  readonly zone: Zone;
  readonly capacity: number;
  readonly dollarsPerHour: number;
  used: number;
  state: 'launched' | 'active' | 'draining';
  /** When it is active, or begins to empty. */
  readyAt: number;
}

export interface ModelTimes {
  /** From a launch until the node takes copies. */
  readonly launchMs: number;
  /** From a drain's start until its first byte moves. */
  readonly graceMs: number;
  /** Bytes a second of a node, in and out each. */
  readonly nodeRateBytes: number;
  /** Within this share of the zone's fill nodes are level. */
  readonly band: number;
}

const msPerHour = 3_600_000;

export class ModelFleet {
  readonly zones: readonly Zone[];
  nodes: ModelNode[] = [];
  /** Zones whose nodes are being levelled since one joined. */
  readonly levelling = new Set<Zone>();
  bytesMoved = 0;
  nodeHours = 0;
  dollars = 0;
  readonly #times: ModelTimes;
  #launched = 0;

  constructor(zones: readonly Zone[], times: ModelTimes) {
    this.zones = zones;
    this.#times = times;
  }

  /** @param readyAt when it takes copies */
  launch(zone: Zone, type: NodeType, readyAt: number): void {
    const id = nodeId(`m${String(++this.#launched).padStart(4, '0')}`);
    const { capacityBytes: capacity, dollarsPerHour } = type;
    this.nodes.push({ id, zone, capacity, dollarsPerHour, used: 0, state: 'launched', readyAt });
  }

  scaleOut(zones: Readonly<Record<Zone, number>>, type: NodeType, now: number): void {
    for (const [zone, count] of Object.entries<number>(zones)) {
      for (let i = 0; i < count; i++) this.launch(zone as Zone, type, now + this.#times.launchMs);
    }
  }

  drain(leaving: NodeId, now: number): void {
    const node = this.nodes.find(({ id }) => id === leaving)!;
    node.state = 'draining';
    node.readyAt = now + this.#times.graceMs;
  }

  /** Jobs that run: one for each zone that grows, one for each node that leaves. */
  get jobs(): readonly { readonly kind: string }[] {
    const growing = new Set(this.levelling);
    for (const { state, zone } of this.nodes) if (state === 'launched') growing.add(zone);
    const leaving = this.nodes.filter(({ state }) => state === 'draining');
    return [
      ...[...growing].map(() => ({ kind: 'scale-out' })),
      ...leaving.map(() => ({ kind: 'scale-in' })),
    ];
  }

  /** Use over the capacity of the nodes that take copies now. */
  fillOf(zone: Zone): number {
    let used = 0;
    let capacity = 0;
    for (const node of this.nodes) {
      if (node.zone !== zone) continue;
      used += node.used;
      if (node.state === 'active') capacity += node.capacity;
    }
    return used / capacity;
  }

  /** Lets `ms` pass until `now`, at which each zone holds `used` of its index. */
  pass(now: number, ms: number, used: readonly number[]): void {
    for (const node of this.nodes) {
      this.nodeHours += ms / msPerHour;
      this.dollars += (node.dollarsPerHour * ms) / msPerHour;
      if (node.state === 'launched' && node.readyAt <= now) {
        node.state = 'active';
        this.levelling.add(node.zone);
      }
    }
    for (const [at, zone] of this.zones.entries()) {
      const members = this.nodes.filter((node) => node.zone === zone);
      settle(members, used[at]!);
      this.#empty(members, now, ms);
      if (this.levelling.has(zone)) this.#level(zone, members, ms);
    }
    this.nodes = this.nodes.filter(
      ({ state, used: held, readyAt }) => state !== 'draining' || held > 0 || readyAt > now,
    );
  }

  #empty(members: readonly ModelNode[], now: number, ms: number): void {
    const takers = members.filter(({ state }) => state === 'active');
    for (const node of members) {
      if (node.state !== 'draining' || node.readyAt > now) continue;
      const bytes = Math.min(node.used, (this.#times.nodeRateBytes * ms) / 1000);
      node.used -= bytes;
      this.bytesMoved += bytes;
      give(takers, bytes);
    }
  }

  /** The fullest give to the emptiest until all are within the band around the zone's fill. */
  #level(zone: Zone, members: readonly ModelNode[], ms: number): void {
    const active = members.filter(({ state }) => state === 'active');
    const mean = sumOf(active, ({ used }) => used) / sumOf(active, ({ capacity }) => capacity);
    const perNode = (this.#times.nodeRateBytes * ms) / 1000;
    const over = active.map(({ used, capacity }) => clamp(used - mean * capacity, perNode));
    const under = active.map(({ used, capacity }) => clamp(mean * capacity - used, perNode));
    const bytes = Math.min(
      sumOf(over, (each) => each),
      sumOf(under, (each) => each),
    );
    const isLevel = active.every(({ used, capacity }) => {
      return Math.abs(used / capacity - mean) <= this.#times.band * mean;
    });
    if (isLevel || bytes <= 0) {
      this.levelling.delete(zone);
      return;
    }
    shift(active, over, -bytes);
    shift(active, under, bytes);
    this.bytesMoved += bytes;
  }
}

const clamp = (bytes: number, most: number): number => Math.min(Math.max(0, bytes), most);

const sumOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

/** Spreads bytes over nodes in proportion to their shares. */
function shift(nodes: readonly ModelNode[], shares: readonly number[], bytes: number): void {
  const all = sumOf(shares, (share) => share);
  for (const [at, node] of nodes.entries()) node.used += (bytes * shares[at]!) / all;
}

/** Brings the nodes' use together to what the zone holds now. */
function settle(members: readonly ModelNode[], used: number): void {
  const held = sumOf(members, (node) => node.used);
  if (used >= held) {
    give(
      members.filter(({ state }) => state === 'active'),
      used - held,
    );
    return;
  }
  for (const node of members) node.used *= used / held;
}

/** Writes go where there is room; where there is none, by size: the fill shows it. */
function give(takers: readonly ModelNode[], bytes: number): void {
  const rooms = takers.map(({ capacity, used }) => Math.max(0, capacity - used));
  const room = sumOf(rooms, (each) => each);
  if (bytes <= 0) return;
  shift(takers, room > bytes ? rooms : takers.map(({ capacity }) => capacity), bytes);
}

/** The node of the zone with least on it. */
export const emptiestOf = (fleet: ModelFleet, zone: Zone): ModelNode | undefined =>
  fleet.nodes
    .filter((node) => node.zone === zone && node.state === 'active')
    .sort((left, right) => left.used - right.used || byCodeUnit(left.id, right.id))[0];
