import type { Key, TableName } from '../contract/keys.ts';
import {
  type Item,
  type Op,
  OutcomeUnknown,
  type Page,
  type Tables,
  TryLater,
  type WriteResult,
} from '../control/ports.ts';
import type { Process } from './process.ts';
import { type Store, TokenReused } from './store.ts';

/**
 * Parking (8 s here) is measured from before a write, so it bounds how long one may take: four tries that
 * stall (half a second each), the last of them late (2 s), leave 4 s for readers with an old view (2 s)
 * and for clocks that differ (1 s).
 */
const writeStallMs = 500;
const lateMs = [5, 2_000] as const;
/** Items read together; more are read at another moment, as BatchGetItem does. */
const itemsPerRead = 8;

/** One process's view of the tables, with everything that a network and a busy table do to it. */
export class SimTables implements Tables {
  readonly #process: Process;
  readonly #store: Store;

  constructor(process: Process, store: Store) {
    this.#process = process;
    this.#store = store;
  }

  async get(keys: readonly Key[]): Promise<readonly (Item | undefined)[]> {
    const { random } = this.#process.ground;
    const groups = random.chance(0.5) ? inPieces(keys, itemsPerRead) : [keys];
    const found: (Item | undefined)[] = [];
    for (const group of groups) {
      found.push(
        ...(await this.#process.call(`get ${group[0]?.pk ?? ''}+${group.length}`, () => {
          this.#throttle();
          return group.map((key) => this.#store.get(key));
        })),
      );
    }
    return found;
  }

  query(
    table: TableName,
    pk: string,
    from: { readonly prefix?: string; readonly next?: string } = {},
  ): Promise<Page> {
    return this.#process.call(`query ${pk} ${from.next ?? ''}`, () => {
      this.#throttle();
      const { random, faults, pageItemsMax } = this.#process.ground;
      if (random.chance(faults.pageEmpty)) return { items: [], next: from.next ?? '' };
      const limit = 1 + random.below(pageItemsMax);
      return this.#store.page(table, pk, from.prefix ?? '', from.next ?? '', limit);
    });
  }

  write(ops: readonly Op[], token?: string): Promise<WriteResult> {
    return this.#process.request(
      `write ${describe(ops)}`,
      (answer) => {
        this.#throttle();
        const { random, faults, scheduler } = this.#process.ground;
        const apply = () => this.#apply(ops, token);
        if (random.chance(faults.writeLost)) throw new OutcomeUnknown('the request was lost');
        if (random.chance(faults.writeLate)) {
          scheduler.after(random.logBetween(lateMs[0], lateMs[1]), () => unheard(apply));
          throw new OutcomeUnknown('no answer in time');
        }
        const result = apply();
        if (random.chance(faults.answerLost)) throw new OutcomeUnknown('the answer was lost');
        // The SDK gives a transaction a token of its own; a single write is sent twice as it is.
        const repeated = random.chance(faults.writeRepeated) && token === undefined;
        if (repeated && ops.length === 1) {
          scheduler.after(random.between(1, 100), () => answer(apply));
        } else answer(() => result);
      },
      writeStallMs,
    );
  }

  async writeEach(ops: readonly Op[]): Promise<void> {
    for (const op of ops) {
      await this.#process.call(`put ${op.key.pk} ${op.key.sk}`, () => {
        this.#throttle();
        this.#apply([op]);
      });
    }
  }

  #apply(ops: readonly Op[], token?: string): WriteResult {
    const result = this.#store.write(ops, token);
    this.#process.note(result.kind, () => `${JSON.stringify(ops)} ${JSON.stringify(result)}`);
    return result;
  }

  #throttle(): void {
    const { random, faults } = this.#process.ground;
    if (random.chance(faults.tableThrottled)) throw new TryLater('throttled');
  }
}

/** The tables' answer, or their error, reaches nobody. */
function unheard(apply: () => WriteResult): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof TokenReused)) throw error;
  }
}

const describe = (ops: readonly Op[]): string =>
  `${ops[0]?.op} ${ops[0]?.key.pk} ${ops[0]?.key.sk} +${ops.length - 1}`;

function inPieces<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const pieces: T[][] = [];
  for (let at = 0; at < all.length; at += size) pieces.push(all.slice(at, at + size));
  return pieces;
}
