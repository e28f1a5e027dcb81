import type { FileRecord } from '../contract/records.ts';
import {
  commitFiles,
  findFile,
  HolderLeft,
  type PlacedFile,
  removeFiles,
} from '../control/files.ts';
import { readFleet, readNodes } from '../control/fleet.ts';
import { listChunks } from '../control/manifest.ts';
import type { Ports } from '../control/ports.ts';
import { ChunkGone, readChunk } from '../control/read.ts';
import { chunkIdOf, type PlacedChunk, storeChunk } from '../control/store.ts';
import type { Redundancy } from '../core/fleet.ts';
import { chunkId } from '../core/ids.ts';
import { sha256Of } from './disk.ts';
import type { World } from './world.ts';

/** What a path named from a moment on: a file's checksum, or `gone`. */
interface Moment {
  readonly fromMs: number;
  readonly content: string;
}

/** Chunks of a simulated file: none now and then, two sometimes. */
const chunksMax = 3;
const chunkBytes = [4, 24] as const;
/** Between a client's operations. */
const pauseMs = [20, 1_500] as const;
const readersBias = 0.3;

/** The fleet's users: they put, replace, remove and read a few paths, and hold the store to its word. */
export class Clients {
  readonly #world: World;
  readonly #rules: readonly Redundancy[];
  readonly #paths: readonly string[];
  /** By path: what it named, in order, as the tables saw it. */
  readonly #past = new Map<string, Moment[]>();
  readonly #becameCurrent = new Set<string>();
  #contents = 0;
  #stopped = false;

  /** `rules`: how chunks are stored, each as often as it is listed. */
  constructor(world: World, rules: readonly Redundancy[], paths: number) {
    this.#world = world;
    this.#rules = rules;
    this.#paths = Array.from({ length: paths }, (_, i) => `/data/${i}`);
  }

  /** Acknowledged operations. */
  acknowledged = 0;

  stop(): void {
    this.#stopped = true;
  }

  /** One client: one operation after the other. */
  begin(): void {
    const { random, scheduler } = this.#world.ground;
    scheduler.after(random.between(pauseMs[0], pauseMs[1]), () => {
      if (this.#stopped) return;
      this.#operate(() => this.begin());
    });
  }

  /** The tables changed what a path names. */
  fileChanged(path: string, record: FileRecord | undefined): void {
    const content = record?.sha256 ?? 'gone';
    const past = this.#past.get(path) ?? [];
    this.#past.set(path, past);
    if (content !== 'gone' && this.#becameCurrent.has(content)) {
      this.#violated('I4', `${path} names what it named before: ${content}`);
    }
    this.#becameCurrent.add(content);
    past.push({ fromMs: this.#world.ground.scheduler.now, content });
  }

  paths(): readonly string[] {
    return this.#paths;
  }

  /** Reads a path as a client does and holds the answer against all that it named meanwhile. */
  async read(ports: Ports, path: string): Promise<void> {
    const sinceMs = this.#world.ground.scheduler.now;
    const record = await findFile(ports.tables, path);
    this.#mustHaveNamed(path, sinceMs, record?.sha256 ?? 'gone', 'read');
    if (record === undefined) return;
    const fleet = await readNodes(ports.tables);
    const parts: Uint8Array[] = [];
    try {
      for (const { id } of await listChunks(ports, fleet, record)) {
        parts.push(await readChunk(ports, fleet, chunkId(id)));
      }
    } catch (error) {
      if (error instanceof ChunkGone && this.#changedSince(path, sinceMs)) return;
      throw error;
    }
    const sha256 = sha256Of(Buffer.concat(parts));
    if (sha256 !== record.sha256) this.#violated('I1', `${path} read as ${sha256}`);
  }

  #operate(done: () => void): void {
    const { random } = this.#world.ground;
    const path = random.pick(this.#paths);
    const dice = random.next();
    if (dice < readersBias) this.#world.spawn('reader', (ports) => this.read(ports, path), done);
    else if (dice < 0.85) this.#world.spawn('writer', (ports) => this.#put(ports, path), done);
    else this.#world.spawn('remover', (ports) => this.#remove(ports, path), done);
  }

  async #put(ports: Ports, first: string): Promise<void> {
    const { random, scheduler } = this.#world.ground;
    const sinceMs = scheduler.now;
    const group = [first, ...this.#paths.filter((path) => path !== first && random.chance(0.1))];
    const fleet = await readFleet(ports.tables);
    const files: PlacedFile[] = [];
    for (const path of group) files.push(await this.#store(ports, fleet, path));
    try {
      await commitFiles(ports, files);
    } catch (error) {
      if (error instanceof HolderLeft) return;
      throw error;
    }
    this.acknowledged++;
    for (const file of files) this.#mustHaveNamed(file.path, sinceMs, file.sha256, 'put');
  }

  async #store(
    ports: Ports,
    fleet: Awaited<ReturnType<typeof readFleet>>,
    path: string,
  ): Promise<PlacedFile> {
    const { random } = this.#world.ground;
    const upload = `${path}:${ports.newId()}`;
    const parts = Array.from({ length: random.below(chunksMax) + 1 }, () => this.#newBytes());
    const chunks: PlacedChunk[] = [];
    for (const [i, bytes] of parts.entries()) {
      const chunk = { chunk: chunkIdOf(upload, i), bytes, sha256: sha256Of(bytes) };
      chunks.push(await storeChunk(ports, fleet, chunk, upload, random.pick(this.#rules)));
    }
    const whole = Buffer.concat(parts);
    return {
      path,
      size: whole.length,
      sha256: sha256Of(whole),
      mode: 0o644,
      modifiedAt: 0,
      chunks,
    };
  }

  /** Bytes that never were before. */
  #newBytes(): Uint8Array {
    const [from, to] = chunkBytes;
    const bytes = Buffer.alloc(from + this.#world.ground.random.below(to - from));
    bytes.writeUInt32LE(++this.#contents);
    return bytes;
  }

  async #remove(ports: Ports, path: string): Promise<void> {
    const sinceMs = this.#world.ground.scheduler.now;
    await removeFiles(ports, [path]);
    this.acknowledged++;
    this.#mustHaveNamed(path, sinceMs, 'gone', 'remove');
  }

  /** What was acknowledged or read is something that the path named since the operation began. */
  #mustHaveNamed(path: string, sinceMs: number, content: string, what: string): void {
    const past = this.#past.get(path) ?? [];
    const before = past.findLast(({ fromMs }) => fromMs <= sinceMs)?.content ?? 'gone';
    const named =
      before === content || past.some((at) => at.fromMs >= sinceMs && at.content === content);
    if (!named)
      this.#violated('I1', `${what} of ${path} was answered with ${content}, which it never named`);
  }

  #changedSince(path: string, sinceMs: number): boolean {
    return (this.#past.get(path) ?? []).some(({ fromMs }) => fromMs >= sinceMs);
  }

  #violated(invariant: 'I1' | 'I4', message: string): void {
    this.#world.violate({ invariant, message });
  }
}
