/**
 * Levels the accesses that the nodes of each zone serve, and leaves their bytes as they are: slots of equal
 * size change places. A slot that goes from one node to another anyway is replaced by a hotter or colder
 * one of the same node, which costs no byte; what is left is exchanged, hottest slot for coldest first, so
 * that few bytes move. Trades take no node past its share at first; where slots are too hot for that, they
 * leave the colder node well below what the hotter one was. So the hottest never gets hotter.
 */
import type { Draft } from './draft.ts';
import { heatBandDefault, heatPartnersMax, heatSlotsMax, nodesMax } from './limits.ts';
import type { HeatLevelling } from './plan.ts';
import { heatByNode, heatOfSlot, heatShares } from './slot-heat.ts';
import { inWindows, slotsOf } from './slots-by-node.ts';
import { judgeZone } from './spread.ts';
import { bytes } from './units.ts';

export function levelHeat(draft: Draft): HeatLevelling {
  const before = draft.bytesTotal;
  const heat = heatByNode(draft);
  const share = heatShares(draft, heat);
  const levelling = { draft, heat, share };
  const hottestBefore = hottest(levelling);
  retrade(levelling);
  exchange(levelling, withinShares);
  exchange(levelling, belowTheHotter);
  return {
    bytesForHeat: bytes(draft.bytesTotal - before),
    hottestBefore,
    hottestAfter: hottest(levelling),
  };
}

interface Levelling {
  readonly draft: Draft;
  /** By node: accesses an hour, as after the trades so far, and what they should be. */
  readonly heat: Float64Array;
  readonly share: Float64Array;
}

const hottest = ({ heat, share }: Levelling): number =>
  heat.reduce(
    (most, own, node) => (share[node]! > 0 ? Math.max(most, own / share[node]!) : most),
    0,
  );

const over = ({ heat, share }: Levelling, node: number): number => heat[node]! - share[node]!;

const density = (levelling: Levelling, node: number): number =>
  over(levelling, node) / Math.max(levelling.share[node]!, Number.MIN_VALUE);

/** Whether heat may go from a hot node to a cold one. */
type Measure = (levelling: Levelling, hot: number, cold: number, gain: number) => boolean;

const withinShares: Measure = (levelling, hot, cold, gain) =>
  gain <= Math.min(over(levelling, hot), -over(levelling, cold));

const belowTheHotter: Measure = (levelling, hot, cold, gain) =>
  gain <= 2 * over(levelling, hot) &&
  (over(levelling, cold) + gain) / levelling.share[cold]! <=
    density(levelling, hot) - heatBandDefault / 2;

/** Replaces moved slots by others of their sources, where source and destination differ in heat. */
function retrade(levelling: Levelling): void {
  const { draft } = levelling;
  const { holders } = draft.fleet;
  const byPair = Map.groupBy(
    movedWithinZones(draft),
    (slot) => holders[slot]! * nodesMax + draft.holderOf(slot),
  );
  const sources = new Set([...byPair.values()].map(([slot]) => holders[slot!]!));
  const stays = new Map<number, { readonly hot: number[]; readonly cold: number[] }>();
  for (const [node, slots] of unmovedOn(draft, [...sources])) {
    stays.set(node, { hot: hottestOf(draft, slots), cold: coldestOf(draft, slots) });
  }
  for (const moved of byPair.values()) {
    const from = holders[moved[0]!]!;
    const to = draft.holderOf(moved[0]!);
    const { hot, cold } = stays.get(from)!;
    const replace = (leaves: number, stayed: number) => {
      if (draft.hasMoved(leaves) || !draft.suits(leaves, to)) return false;
      if (draft.refusal(leaves, to) === 'holds-chunk' || !mayMove(draft, leaves)) return false;
      draft.replace(stayed, leaves);
      return true;
    };
    if (over(levelling, from) > 0) {
      const colder = { node: to, slots: coldestOf(draft, moved) };
      trade(levelling, { node: from, slots: hot }, colder, withinShares, replace);
    } else {
      const hotter = { node: to, slots: hottestOf(draft, moved) };
      trade(levelling, hotter, { node: from, slots: cold }, withinShares, (goes, comes) =>
        replace(comes, goes),
      );
    }
  }
}

function* movedWithinZones(draft: Draft): Generator<number> {
  const { zoneOfNode, holders } = draft.fleet;
  for (const slot of draft.moved()) {
    if (zoneOfNode[holders[slot]!] === zoneOfNode[draft.holderOf(slot)]) yield slot;
  }
}

/** Exchanges slots between the hottest nodes and the coldest of their zones. */
function exchange(levelling: Levelling, measure: Measure): void {
  const { draft } = levelling;
  const { zoneOfNode, nodes } = draft.fleet;
  const byDensity = (l: number, r: number) =>
    density(levelling, l) - density(levelling, r) || l - r;
  const open = [...nodes.keys()].filter((node) => draft.isOpen(node));
  const hot = open.filter((node) => density(levelling, node) > heatBandDefault).sort(byDensity);
  const zones = new Set(hot.map((node) => zoneOfNode[node]!));
  const cold = open
    .filter((node) => density(levelling, node) < 0 && zones.has(zoneOfNode[node]!))
    .sort(byDensity);
  const colds = new Map<number, number[]>();
  for (const [node, slots] of unmovedOn(draft, cold)) colds.set(node, coldestOf(draft, slots));
  for (const [node, slots] of unmovedOn(draft, hot.reverse())) {
    const hots = hottestOf(draft, slots);
    const partners = cold.filter((other) => zoneOfNode[other] === zoneOfNode[node]);
    coolDown(levelling, { node, slots: hots }, partners, colds, measure);
  }
}

interface NodeSlots {
  readonly node: number;
  readonly slots: readonly number[];
}

function coolDown(
  levelling: Levelling,
  hot: NodeSlots,
  partners: readonly number[],
  colds: ReadonlyMap<number, readonly number[]>,
  measure: Measure,
): void {
  let tries = 0;
  for (const node of partners) {
    if (density(levelling, hot.node) <= heatBandDefault || tries >= heatPartnersMax) return;
    if (density(levelling, node) > -heatBandDefault / 4) continue;
    tries++;
    trade(levelling, hot, { node, slots: colds.get(node)! }, measure, (goes, comes) =>
      swap(levelling.draft, { slot: goes, to: node }, { slot: comes, to: hot.node }),
    );
  }
}

interface Half {
  readonly slot: number;
  readonly to: number;
}

function swap(draft: Draft, goes: Half, comes: Half): boolean {
  const may = ({ slot, to }: Half) =>
    !draft.hasMoved(slot) && mayMove(draft, slot) && draft.takes(slot, to);
  if (!may(goes) || !may(comes)) return false;
  draft.move(goes.slot, goes.to);
  draft.move(comes.slot, comes.to);
  return true;
}

const mayMove = (draft: Draft, slot: number): boolean =>
  judgeZone(draft, slot, draft.fleet.zoneOfNode[draft.fleet.holders[slot]!]!) === 'good';

/** Pairs hot slots with cold ones of equal size, and takes those pairs that `apply` can. */
function trade(
  levelling: Levelling,
  hot: NodeSlots,
  cold: NodeSlots,
  measure: Measure,
  apply: (hot: number, cold: number) => boolean,
): void {
  const { draft, heat } = levelling;
  const bySize = Map.groupBy(cold.slots, (slot) => draft.bytesOf(slot));
  for (const goes of hot.slots) {
    if (density(levelling, hot.node) <= 0) return;
    const partners = bySize.get(draft.bytesOf(goes)) ?? [];
    const [comes] = partners;
    if (comes === undefined) continue;
    const gain = heatOfSlot(draft.fleet, goes) - heatOfSlot(draft.fleet, comes);
    if (gain <= 0 || !measure(levelling, hot.node, cold.node, gain)) continue;
    if (!apply(goes, comes)) continue;
    partners.shift();
    heat[hot.node]! -= gain;
    heat[cold.node]! += gain;
  }
}

/** The slots of each of the nodes that stay where they were. */
function* unmovedOn(draft: Draft, nodes: readonly number[]): Generator<[number, Int32Array]> {
  for (const window of inWindows(draft.fleet, nodes)) {
    for (const [at, node] of window.nodes.entries()) {
      yield [node, slotsOf(window, at).filter((slot) => !draft.hasMoved(slot))];
    }
  }
}

const byHeat = ({ fleet }: Draft, slots: Iterable<number>): [slot: number, heat: number][] =>
  Array.from(slots, (slot): [number, number] => [slot, heatOfSlot(fleet, slot)]);

const hottestOf = (draft: Draft, slots: Iterable<number>): number[] =>
  byHeat(draft, slots)
    .filter(([, heat]) => heat > 0)
    .sort(([l, hot], [r, hotter]) => hotter - hot || l - r)
    .slice(0, heatSlotsMax)
    .map(([slot]) => slot);

/** The coldest of each size. */
function coldestOf(draft: Draft, slots: Iterable<number>): number[] {
  const sorted = byHeat(draft, slots).sort(([l, cold], [r, colder]) => cold - colder || l - r);
  const ofSize = new Map<number, number>();
  return sorted.flatMap(([slot]) => {
    const size = draft.bytesOf(slot);
    const count = ofSize.get(size) ?? 0;
    ofSize.set(size, count + 1);
    return count < heatSlotsMax / 4 ? [slot] : [];
  });
}
