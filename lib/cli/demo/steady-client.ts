import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FleetView } from '../../client/fleet-view.ts';
import { commitFiles, findFile, HolderLeft } from '../../control/files.ts';
import { listChunks } from '../../control/manifest.ts';
import { NodeRefused, NodeUnreachable, type Ports, TryLater } from '../../control/ports.ts';
import { readChunk } from '../../control/read.ts';
import { chunkIdOf, storeChunk } from '../../control/store.ts';
import { chunkId } from '../../core/ids.ts';

/** Operations a second, and the share of them that write. */
const operationsPerSecond = 25;
const writeEvery = 10;
/** Bytes of a file that it writes, at most: little beside the data set, for it writes over its files. */
const writtenBytesMax = 4_096;
const writtenShare = 1 / 25_000;
const writtenFiles = 20;
/** Tries of one write while the fleet changes under it. */
const writeTriesMax = 4;

export type Phase = 'idle' | 'moves' | 'other';

/** A client that reads and writes at a steady rate, whatever the fleet does, and measures what it feels. */
export class SteadyClient {
  readonly #ports: Ports;
  readonly #fleet: FleetView;
  readonly #writtenBytes: number;
  readonly #latencies: Record<Phase, number[]> = { idle: [], moves: [], other: [] };
  readonly #ending = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  /** Paths that it may read. */
  readable: readonly string[] = [];
  /** What it wrote last, by path: SHA-256. */
  readonly written = new Map<string, string>();
  readonly failures: string[] = [];
  phase: Phase = 'other';
  reads = 0;
  writes = 0;
  #loop: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(ports: Ports, dataBytes: number) {
    this.#ports = ports;
    this.#writtenBytes = Math.ceil(Math.min(writtenBytesMax, dataBytes * writtenShare));
    this.#fleet = new FleetView(ports);
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends after the operations that are under way. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#loop;
    await Promise.allSettled(this.#pending);
  }

  /** 99th percentile in milliseconds; `null` when nothing was measured in that phase. */
  p99(phase: Phase): number | null {
    const sorted = [...this.#latencies[phase]].sort((left, right) => left - right);
    if (sorted.length === 0) return null;
    return Math.round(sorted[Math.ceil(0.99 * sorted.length) - 1]! * 100) / 100;
  }

  /** At fixed times, however long an operation takes: a slow answer does not hide the ones behind it. */
  async #run(): Promise<void> {
    const begun = performance.now();
    for (let n = 0; !this.#ending.signal.aborted; n++) {
      const wait = begun + (n * 1_000) / operationsPerSecond - performance.now();
      if (wait > 0) {
        await delay(wait, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      }
      if (this.#ending.signal.aborted) return;
      const operation = this.#operate().finally(() => this.#pending.delete(operation));
      this.#pending.add(operation);
    }
  }

  async #operate(): Promise<void> {
    const { phase } = this;
    const begun = performance.now();
    const n = this.#count++;
    try {
      if (n % writeEvery === 0) await this.#write(`steady/${(n / writeEvery) % writtenFiles}`);
      else await this.#read(n);
      this.#latencies[phase].push(performance.now() - begun);
    } catch (error) {
      this.failures.push(
        error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      );
    }
  }

  async #read(n: number): Promise<void> {
    const paths = this.readable;
    const path = paths[(n * 7_919) % paths.length];
    if (path === undefined) return;
    const record = await findFile(this.#ports.tables, path);
    if (record === undefined) {
      if (this.readable.includes(path)) throw new Error(`${path} is not in the store`);
      return;
    }
    const fleet = await this.#fleet.now();
    const chunks = await listChunks(this.#ports, fleet, record);
    for (const chunk of chunks) await readChunk(this.#ports, fleet, chunkId(chunk.id));
    this.reads++;
  }

  async #write(path: string): Promise<void> {
    const bytes = randomBytes(this.#writtenBytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (let tried = 1; ; tried++) {
      try {
        const fleet = await this.#fleet.now();
        const id = this.#ports.newId();
        const placed = await storeChunk(
          this.#ports,
          fleet,
          { chunk: chunkIdOf(id, 0), bytes, sha256 },
          id,
        );
        const modifiedAt = this.#ports.now();
        const file = {
          path,
          size: bytes.length,
          sha256,
          mode: 0o644,
          modifiedAt,
          chunks: [placed],
        };
        await commitFiles(this.#ports, [file]);
        this.written.set(path, sha256);
        this.writes++;
        return;
      } catch (error) {
        if (!mayPass(error) || tried === writeTriesMax) throw error;
        this.#fleet.forget();
      }
    }
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof HolderLeft ||
  error instanceof NodeRefused ||
  error instanceof NodeUnreachable ||
  error instanceof TryLater;
