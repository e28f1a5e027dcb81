import type { Meter, Meters } from './budget.ts';
import type { Line } from './lines.ts';

/** A third and a third and a third are one flight. */
const rounding = 1e-9;

/**
 * Who waits for whom: how many flights a node's end can have, and how many it can get. A node that takes
 * from few others, each busy with many more, gets few flights, so each of them must be fast.
 */
export class Partners {
  readonly #of = new Map<Meter, Map<Meter, number>>();
  readonly #wanted = new Map<Meter, number>();
  readonly #nodesWaiting = { out: new Set<Meter>(), in: new Set<Meter>() };
  readonly #directionOf = new Map<Meter, Set<Meter>>();
  readonly #meters: Meters;

  constructor(lines: readonly Line[], meters: Meters) {
    this.#meters = meters;
    for (const { ends } of lines) {
      const [out, into] = ends.length === 2 ? ends : [undefined, ends[0]];
      this.#wait(into!, this.#nodesWaiting.in);
      if (out === undefined) continue;
      this.#wait(out, this.#nodesWaiting.out);
      this.#link(out, into!);
      this.#link(into!, out);
    }
  }

  /** A batch of this line has started: where nothing is left, nobody waits any more. */
  forget({ batches, ends }: Line): void {
    for (const end of ends) {
      if (end.waiting.batches === 0) this.#directionOf.get(end)?.delete(end);
    }
    const [left, right] = ends;
    if (batches.length > 0 || right === undefined) return;
    this.#unlink(left!, right);
    this.#unlink(right, left!);
  }

  /** With many nodes at work each gets fewer, faster flights, lest the fleet's count starve some. */
  flightsMax(end: Meter): number {
    const nodes = Math.max(1, this.#directionOf.get(end)?.size ?? 1);
    return Math.max(
      1,
      Math.min(end.limit.batches, Math.floor(this.#meters.fleet.limit.batches / nodes)),
    );
  }

  /** Flights that may be had here: the partners' own, shared among all that they work with. */
  flightsWanted(end: Meter): number {
    const max = this.flightsMax(end);
    const partners = this.#of.get(end);
    if (partners === undefined || partners.size === 0) return max;
    let wanted = this.#wanted.get(end);
    if (wanted === undefined) {
      wanted = 0;
      for (const partner of partners.keys())
        wanted += this.flightsMax(partner) / this.#of.get(partner)!.size;
      this.#wanted.set(end, wanted);
    }
    return Math.max(1, Math.min(max, Math.floor(wanted + rounding)));
  }

  #wait(end: Meter, nodes: Set<Meter>): void {
    nodes.add(end);
    this.#directionOf.set(end, nodes);
  }

  #link(end: Meter, partner: Meter): void {
    const partners = this.#of.get(end) ?? new Map<Meter, number>();
    partners.set(partner, (partners.get(partner) ?? 0) + 1);
    this.#of.set(end, partners);
  }

  #unlink(end: Meter, partner: Meter): void {
    const partners = this.#of.get(end)!;
    const lines = partners.get(partner)! - 1;
    if (lines > 0) partners.set(partner, lines);
    else partners.delete(partner);
    this.#wanted.delete(end);
    for (const other of partners.keys()) this.#wanted.delete(other);
  }
}
