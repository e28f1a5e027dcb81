/**
 * How one shard of an erasure-coded chunk reaches its new holder: copied from the node that gives it up, or
 * rebuilt there from k others. A copy moves k times fewer bytes; but its one source may be busy, dying or in
 * another zone, and then k neighbours may be sooner or cheaper.
 */
import { byCodeUnit, type NodeId, type Zone } from './ids.ts';
import type { Bytes, BytesPerSecond, Millis } from './units.ts';

/** A node that can give a shard's bytes, or takes them. */
export interface Giver {
  readonly node: NodeId;
  readonly zone: Zone;
  /** What it leaves to migration now. */
  readonly rate: BytesPerSecond;
  /** Bytes that it was asked for before: they go first. */
  readonly aheadBytes: Bytes;
}

export interface ShardMove {
  /** Of one shard. */
  readonly bytes: Bytes;
  /** k: shards that make another one. */
  readonly data: number;
  /** Who takes it: at what rate, and after how many other bytes. */
  readonly to: Omit<Giver, 'node'>;
  /** Who gives the slot up; `undefined` when it does not serve. */
  readonly holder: Giver | undefined;
  /** Live holders of the chunk's other slots. */
  readonly others: readonly Giver[];
  /** What is left until the deadline; infinite where there is none. */
  readonly leftMs: Millis;
  /** Dollars a GB. */
  readonly crossZonePrice: number;
}

export type ShardSupply =
  /** `spare` may rebuild it, best first, where the copy fails. */
  | { readonly kind: 'copy'; readonly from: NodeId; readonly spare: readonly NodeId[] }
  /** From the first k of these; the rest are in reserve. */
  | { readonly kind: 'rebuild'; readonly from: readonly NodeId[] }
  | { readonly kind: 'too-few-shards'; readonly live: number; readonly needed: number };

/**
 * What a GB costs wherever it comes from, in dollars: disk, CPU and network that clients could use. Small
 * beside a zone's price, and what makes a copy win inside one zone.
 */
const handlingPrice = 0.001;
const gigabyte = 1e9;

interface Option {
  readonly supply: ShardSupply;
  readonly ms: number;
  readonly dollars: number;
}

/** The cheapest way that keeps the deadline; where none does, the fastest. Equal ways: the copy. */
export function copyOrRebuild(move: ShardMove): ShardSupply {
  const options = optionsOf(move);
  const inTime = options.filter(({ ms }) => ms <= move.leftMs);
  const best =
    inTime.length > 0 ? least(inTime, ({ dollars }) => dollars) : least(options, ({ ms }) => ms);
  const { others, data } = move;
  return best?.supply ?? { kind: 'too-few-shards', live: others.length, needed: data };
}

function optionsOf(move: ShardMove): readonly Option[] {
  const { holder, others, data } = move;
  const cheapest = inOrder(others, (giver) => [dollarsOf(move, giver), msOf(move, giver)]);
  const fastest = inOrder(others, (giver) => [msOf(move, giver), dollarsOf(move, giver)]);
  const copy: Option[] = holder === undefined ? [] : [copyOf(move, holder, cheapest)];
  if (others.length < data) return copy;
  return [...copy, rebuildOf(move, cheapest), rebuildOf(move, fastest)];
}

const copyOf = (move: ShardMove, holder: Giver, others: readonly Giver[]): Option => ({
  supply: { kind: 'copy', from: holder.node, spare: others.map(({ node }) => node) },
  ms: Math.max(msOf(move, holder), arrivalMs(move, 1)),
  dollars: dollarsOf(move, holder),
});

function rebuildOf(move: ShardMove, ranked: readonly Giver[]): Option {
  const chosen = ranked.slice(0, move.data);
  return {
    supply: { kind: 'rebuild', from: ranked.map(({ node }) => node) },
    ms: Math.max(...chosen.map((giver) => msOf(move, giver)), arrivalMs(move, move.data)),
    dollars: chosen.reduce((sum, giver) => sum + dollarsOf(move, giver), 0),
  };
}

const msOf = ({ bytes }: ShardMove, { rate, aheadBytes }: Giver): number =>
  rate > 0 ? ((aheadBytes + bytes) / rate) * 1_000 : Number.POSITIVE_INFINITY;

const arrivalMs = ({ bytes, to }: ShardMove, shards: number): number =>
  to.rate > 0 ? ((to.aheadBytes + shards * bytes) / to.rate) * 1_000 : Number.POSITIVE_INFINITY;

const dollarsOf = ({ bytes, to, crossZonePrice }: ShardMove, { zone }: Giver): number =>
  (bytes / gigabyte) * (handlingPrice + (zone === to.zone ? 0 : crossZonePrice));

const inOrder = (
  givers: readonly Giver[],
  keys: (giver: Giver) => readonly [number, number],
): readonly Giver[] =>
  givers
    .map((giver) => ({ giver, keys: keys(giver) }))
    .sort(
      (l, r) =>
        l.keys[0] - r.keys[0] || l.keys[1] - r.keys[1] || byCodeUnit(l.giver.node, r.giver.node),
    )
    .map(({ giver }) => giver);

const least = <T>(items: readonly T[], key: (item: T) => number): T | undefined =>
  items.reduce<T | undefined>(
    (best, item) => (best === undefined || key(item) < key(best) ? item : best),
    undefined,
  );
