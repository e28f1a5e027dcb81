import { setTimeout as delay } from 'node:timers/promises';
import { verifyFiles } from '../../lib/client/verify.ts';
import type { StoredFile } from '../../lib/control/files.ts';
import type { Ports } from '../../lib/control/ports.ts';

interface Span {
  readonly from: number;
  to: number;
}

export interface ReaderCounts {
  /** Reads that count: they began and ended while the store was up. */
  readonly reads: number;
  readonly failures: readonly string[];
  /** Reads that do not count: some part of each lay between a kill and the end of the next `ballast up`. */
  readonly readsWhileDown: number;
}

const lanes = 2;

/**
 * Reads files at random, checked against their SHA-256, and never pauses. The test tells it when it kills the
 * store and when the store says that it is back; what overlaps that time is counted apart.
 */
export class Reader {
  readonly #ports: Ports;
  readonly #files: readonly StoredFile[];
  readonly #downs: Span[] = [];
  readonly #reads: { readonly span: Span; readonly failure: string | undefined }[] = [];
  #state: 'reading' | 'stopped' = 'reading';
  readonly #working: Promise<unknown>;

  constructor(ports: Ports, files: readonly StoredFile[]) {
    this.#ports = ports;
    this.#files = files;
    this.#working = Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  /** To be called before the kill. */
  goesDown(): void {
    this.#downs.push({ from: performance.now(), to: Number.POSITIVE_INFINITY });
  }

  /** To be called when `ballast up` has ended with 0. */
  isUp(): void {
    this.#downs.at(-1)!.to = performance.now();
  }

  async stop(): Promise<ReaderCounts> {
    this.#state = 'stopped';
    await this.#working;
    const counting = this.#reads.filter(({ span }) => !this.#downs.some((d) => overlap(d, span)));
    return {
      reads: counting.length,
      failures: counting.flatMap(({ failure }) => failure ?? []),
      readsWhileDown: this.#reads.length - counting.length,
    };
  }

  async #lane(): Promise<void> {
    while (this.#state === 'reading') {
      const file = this.#files[Math.floor(Math.random() * this.#files.length)]!;
      const from = performance.now();
      const failure = await this.#read(file);
      this.#reads.push({ span: { from, to: performance.now() }, failure });
      if (failure !== undefined) await delay(20); // a store that is down would be asked thousands of times
    }
  }

  async #read(file: StoredFile): Promise<string | undefined> {
    try {
      const { problems } = await verifyFiles(this.#ports, [file], undefined);
      return problems[0] && `${problems[0].path} ${problems[0].problem}`;
    } catch (error) {
      return `${file.path}: ${error}`;
    }
  }
}

const overlap = (left: Span, right: Span): boolean =>
  left.from <= right.to && right.from <= left.to;
