/** A large fleet as a snapshot file, written as a stream: classes, three node sizes, copies and stripes. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { generator } from './generator.ts';
import { MiB } from './planner-scenarios.ts';

export interface ScaleNode {
  readonly id: string;
  readonly zone: string;
  readonly class: 'data' | 'metadata' | 'mixed';
  readonly weight: number;
  /** Empty at the start: it has just joined. */
  readonly joins: boolean;
}

export interface ScaleFleet {
  readonly slots: number;
  readonly nodes: number;
  /** Share of the nodes that have just joined. */
  readonly joinShare: number;
  readonly seed: number;
}

const zones = ['a', 'b', 'c'] as const;
const weights = [4, 8, 16];
const piece = 2_000;
/** Six in ten slots are copies, the others shards; one chunk of copies in fifty is metadata. */
const stripeShare = 0.4;
const metadataEvery = 50;
const chunkSizes = [64, 64, 64, 16, 4].map((size) => size * MiB);
const metadataBytes = 4 * MiB;

export function nodesOf({ nodes, joinShare }: ScaleFleet): ScaleNode[] {
  const perZone = Math.ceil(nodes / zones.length);
  const joinEvery = joinShare > 0 ? Math.round(1 / joinShare) : Number.POSITIVE_INFINITY;
  return Array.from({ length: nodes }, (_, at) => {
    const place = Math.floor(at / zones.length);
    return {
      id: `n${String(at).padStart(5, '0')}`,
      zone: zones[at % zones.length]!,
      class: place >= perZone - Math.ceil(perZone / 10) ? 'data' : 'mixed',
      weight: weights[place % weights.length]!,
      joins: place % joinEvery === joinEvery - 1,
    };
  });
}

/** Deals nodes in the ratio of their weights, in a shuffled order that changes with every round. */
class Deck {
  readonly #cards: number[];
  readonly #next: () => number;
  #at = 0;

  constructor(cards: number[], next: () => number) {
    this.#cards = cards;
    this.#next = next;
  }

  deal(count: number): number[] {
    const hand: number[] = [];
    while (hand.length < count) {
      const card = this.#draw();
      if (!hand.includes(card)) hand.push(card);
    }
    return hand;
  }

  #draw(): number {
    if (this.#at === 0) this.#shuffle();
    const card = this.#cards[this.#at]!;
    this.#at = (this.#at + 1) % this.#cards.length;
    return card;
  }

  #shuffle(): void {
    for (let last = this.#cards.length - 1; last > 0; last--) {
      const other = Math.floor(this.#next() * (last + 1));
      [this.#cards[last], this.#cards[other]] = [this.#cards[other]!, this.#cards[last]!];
    }
  }
}

export async function writeSnapshot(file: string, fleet: ScaleFleet): Promise<void> {
  const out = createWriteStream(file, { highWaterMark: 4 * MiB });
  let lines: string[] = [];
  const flush = async () => {
    const text = `${lines.join('\n')}\n`;
    lines = [];
    if (!out.write(text)) await once(out, 'drain');
  };
  for (const line of snapshotLines(fleet)) {
    if (lines.push(line) >= piece) await flush();
  }
  if (lines.length > 0) await flush();
  out.end();
  await once(out, 'finish');
}

function* snapshotLines(fleet: ScaleFleet): Generator<string> {
  const nodes = nodesOf(fleet);
  const next = generator(fleet.seed);
  const decks = (takes: (node: ScaleNode) => boolean) =>
    zones.map((zone) => {
      const holding = [...nodes.keys()].filter(
        (at) => nodes[at]!.zone === zone && !nodes[at]!.joins && takes(nodes[at]!),
      );
      const cards = holding.flatMap((at) => Array<number>(nodes[at]!.weight / 4).fill(at));
      return new Deck(cards, next);
    });
  const forData = decks(() => true);
  const forMetadata = decks((node) => node.class === 'mixed');
  const meanBytes = 35 * MiB;
  const weightSum = nodes.reduce((sum, { weight, joins }) => sum + (joins ? 0 : weight), 0);
  const bytesPerWeight = (fleet.slots * meanBytes) / weightSum / 0.6;
  yield JSON.stringify({ ballast: 1, zones });
  for (const { id, zone, class: nodeClass, weight } of nodes) {
    const capacity = Math.ceil(weight * bytesPerWeight);
    yield JSON.stringify({ node: id, zone, class: nodeClass, capacity, state: 'active' });
  }
  const on = (dealt: readonly number[]) => dealt.map((at) => `"${nodes[at]!.id}"`).join(',');
  const stripeOf = { slots: 9, text: '{"erasure":[6,3]}', perZone: 3 };
  const copiesOf = { slots: 3, text: '{"replicated":3}', perZone: 1 };
  for (let slots = 0, chunk = 0; slots < fleet.slots; chunk++) {
    const rule =
      next() <
      stripeShare /
        stripeOf.slots /
        ((1 - stripeShare) / copiesOf.slots + stripeShare / stripeOf.slots)
        ? stripeOf
        : copiesOf;
    const isMetadata = rule === copiesOf && chunk % metadataEvery === 0;
    const size = isMetadata ? metadataBytes : chunkSizes[Math.floor(next() * chunkSizes.length)]!;
    const dealt = (isMetadata ? forMetadata : forData).flatMap((deck) => deck.deal(rule.perZone));
    const kind = isMetadata ? '"kind":"metadata",' : '';
    yield `{"chunk":"c${String(chunk).padStart(8, '0')}","size":${size},${kind}"redundancy":${rule.text},"holders":[${on(dealt)}]}`;
    slots += rule.slots;
  }
}
