import type { Draft } from './draft.ts';
import { holdsKind } from './fleet.ts';
import { NodeHeap } from './node-heap.ts';

/**
 * The nodes that may take slots, by zone and kind, the one with the least key first. Keys may only rise
 * as a node fills, so a stale one is noticed when it reaches the top.
 */
export class Seats {
  readonly #draft: Draft;
  readonly #key: (node: number) => number;
  readonly #heaps: NodeHeap[];
  /** By heap: the fewest bytes for which no node had room; room only shrinks. */
  readonly #hopelessBytes: Float64Array;

  constructor(draft: Draft, members: Iterable<number>, key: (node: number) => number) {
    this.#draft = draft;
    this.#key = key;
    this.#heaps = Array.from({ length: 2 * draft.fleet.zones.length }, () => new NodeHeap());
    this.#hopelessBytes = new Float64Array(this.#heaps.length).fill(Number.POSITIVE_INFINITY);
    for (const node of members) this.#seat(node);
  }

  /** The best node of the zone that may take the slot, if any. */
  pick(zone: number, slot: number): number | undefined {
    const at = 2 * zone + this.#draft.fleet.isMetadata[this.#draft.fleet.chunkOfSlot[slot]!]!;
    const size = this.#draft.bytesOf(slot);
    if (size >= this.#hopelessBytes[at]!) return undefined;
    const heap = this.#heaps[at]!;
    const refused: number[] = [];
    let onlyForRoom = true;
    let found: number | undefined;
    while (found === undefined && heap.size > 0) {
      const node = this.#freshTop(heap);
      const refusal = this.#draft.refusal(slot, node);
      if (refusal === undefined) found = node;
      else {
        onlyForRoom &&= refusal === 'room';
        refused.push(node);
        heap.pop();
      }
    }
    for (const node of refused) heap.push(node, this.#key(node));
    if (found === undefined && onlyForRoom) this.#hopelessBytes[at] = size;
    return found;
  }

  #freshTop(heap: NodeHeap): number {
    for (;;) {
      const key = this.#key(heap.top);
      if (heap.topKey >= key) return heap.top;
      heap.rekeyTop(key);
    }
  }

  #seat(node: number): void {
    if (!this.#draft.isOpen(node)) return;
    const zone = this.#draft.fleet.zoneOfNode[node]!;
    const nodeClass = this.#draft.fleet.nodes[node]!.class;
    const key = this.#key(node);
    if (holdsKind(nodeClass, 'data')) this.#heaps[2 * zone]!.push(node, key);
    if (holdsKind(nodeClass, 'metadata')) this.#heaps[2 * zone + 1]!.push(node, key);
  }
}
