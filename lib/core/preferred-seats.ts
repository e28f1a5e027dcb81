import type { Draft } from './draft.ts';
import { holdsKind } from './fleet.ts';
import { rendezvousScore } from './rendezvous.ts';

/** The nodes that may take slots, by what each chunk's id prefers: the placement `hash`. */
export class PreferredSeats {
  readonly #draft: Draft;
  /** By zone: the open nodes. */
  readonly #nodes: number[][];

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#nodes = draft.fleet.zones.map(() => []);
    for (const node of draft.fleet.nodes.keys()) {
      if (draft.isOpen(node)) this.#nodes[draft.fleet.zoneOfNode[node]!]!.push(node);
    }
  }

  /** The node of the zone that the chunk prefers among those that may take the slot, if any. */
  pick(zone: number, slot: number): number | undefined {
    const { fleet } = this.#draft;
    const chunk = fleet.chunkOfSlot[slot]!;
    const kind = fleet.isMetadata[chunk] === 1 ? 'metadata' : 'data';
    const seed = fleet.chunkIds.at(chunk);
    let best: number | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const node of this.#nodes[zone]!) {
      const { id, capacity, class: nodeClass } = fleet.nodes[node]!;
      const score = rendezvousScore(seed, id, capacity);
      if (score <= bestScore || !holdsKind(nodeClass, kind)) continue;
      if (this.#draft.refusal(slot, node) !== undefined) continue;
      best = node;
      bestScore = score;
    }
    return best;
  }
}
