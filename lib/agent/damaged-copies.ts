import type { DamagedCopy } from '../contract/agent.ts';
import { byCodeUnit } from '../core/ids.ts';
import type { Damage } from './damage.ts';
import { damagedMax } from './limits.ts';
import type { Store } from './store.ts';

/** What was found damaged, in memory, as long as that copy is held: one that came later is another. */
export class DamagedCopies {
  readonly #store: Store;
  /** Those that were found longest ago come first. */
  readonly #found = new Map<string, Damage>();

  constructor(store: Store) {
    this.#store = store;
  }

  get count(): number {
    this.#forgetGone();
    return this.#found.size;
  }

  /** Ids of their chunks, those that were found longest ago first. */
  get chunks(): string[] {
    return [...this.#found.keys()];
  }

  /** In the order of their chunks' ids, those after `after`. */
  page(after: string, limit: number): DamagedCopy[] {
    this.#forgetGone();
    return [...this.#found]
      .filter(([chunk]) => chunk > after)
      .sort(([left], [right]) => byCodeUnit(left, right))
      .slice(0, limit)
      .map(
        ([
          chunk,
          {
            copy: { slot, epoch },
            reason,
          },
        ]) => ({ chunk, slot, epoch, reason }),
      );
  }

  /** What is wrong with a copy, or that nothing is. @returns whether it is damaged and that is news */
  note(chunk: string, damage: Damage | undefined): boolean {
    const wasKnown = this.#found.delete(chunk);
    if (damage === undefined) return false;
    if (this.#found.size < damagedMax) this.#found.set(chunk, damage);
    return !wasKnown;
  }

  #forgetGone(): void {
    for (const [chunk, { copy }] of this.#found)
      if (!this.#store.holds(chunk) || this.#store.copy(chunk) !== copy) this.#found.delete(chunk);
  }
}
