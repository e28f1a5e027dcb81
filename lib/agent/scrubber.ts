import type { DamagedCopy, Stats } from '../contract/agent.ts';
import {
  believedPass,
  type ClientsNow,
  endedPass,
  isLeftToClients,
  isScrubDue,
  newPass,
  nextPass,
  type ScrubPass,
  type ScrubView,
  scrubRate,
  scrubRateMin,
  scrubShare,
} from '../core/scrub-pace.ts';
import { backgroundFactor } from '../core/throttle.ts';
import { Attempts } from './attempts.ts';
import type { Background } from './background.ts';
import { DamagedCopies } from './damaged-copies.ts';
import {
  readBytes,
  reviewedMax,
  reviewMs,
  scrubBytesMin,
  scrubPageCopies,
  suspectsMax,
} from './limits.ts';
import type { Log } from './log.ts';
import type { Paced } from './read-back.ts';
import { Refusal } from './refusal.ts';
import { readPosition, writePosition } from './scrub-position.ts';
import type { HeldCopy } from './shelves.ts';
import type { Store } from './store.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Traffic } from './traffic.ts';

export interface ScrubberSettings {
  readonly directory: string;
  readonly store: Store;
  readonly background: Background;
  readonly traffic: Traffic;
  readonly log: Log;
  /** Milliseconds that never run backwards. */
  readonly now: () => number;
  /** Epoch milliseconds: a pass outlives its process. */
  readonly wallClock: () => number;
}

const steerMs = 1_000;
const saveMs = 60_000;

/**
 * Reads every copy on this disk once in so many days and compares it with its checksum, in the order of the
 * chunks' ids, slowly, and not while clients need the node. What it finds it tells; it mends nothing.
 */
export class Scrubber {
  readonly #settings: ScrubberSettings;
  /** At rate 0 it holds the loop: while no pass is due, and while clients need the node. */
  readonly #bucket: TokenBucket;
  readonly #attempts: Attempts;
  readonly #stopping = new AbortController();
  readonly #damaged: DamagedCopies;
  /** Looked at before the pass goes on: what the process before found damaged, or this one an hour ago. */
  #suspects: string[] = [];
  #reviewedAt: number;
  #pass: ScrubPass;
  #page: HeldCopy[] = [];
  #saved: { readonly pass: ScrubPass; readonly at: number };
  #saving: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #days = 0;

  constructor(settings: ScrubberSettings) {
    this.#settings = settings;
    this.#bucket = new TokenBucket(0, settings.now);
    this.#damaged = new DamagedCopies(settings.store);
    this.#attempts = new Attempts((event, detail) => {
      if (!this.#stopping.signal.aborted) settings.log(event, detail);
    });
    this.#pass = newPass(settings.wallClock());
    this.#reviewedAt = settings.now();
    this.#saved = { pass: this.#pass, at: settings.now() };
  }

  /** Policy `scrubDays`. Until it is told nothing is read. */
  set days(days: number) {
    if (days === this.#days) return;
    this.#days = days;
    this.#steer();
  }

  get told(): Pick<Stats, 'damaged' | 'scrubbedAt' | 'scrubShare'> {
    const { endedAt } = this.#pass;
    const scrubShareTold = Math.round(scrubShare(this.#pass) * 10_000) / 10_000;
    return { damaged: this.#damaged.count, scrubbedAt: endedAt, scrubShare: scrubShareTold };
  }

  /** Damaged copies that are still held, in the order of their ids, those after `after`. */
  damaged(after: string, limit: number): DamagedCopy[] {
    return this.#damaged.page(after, limit);
  }

  /** Goes on where the process before was, until it is stopped. */
  start(): void {
    this.#running = this.#run();
  }

  /** Resolves once nothing is read any more and the position is written. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Refusal('stopping', 'this node is stopping'));
    clearInterval(this.#timer);
    await this.#running;
    await this.#save();
  }

  async #run(): Promise<void> {
    const { directory, wallClock } = this.#settings;
    const { pass, suspects } = await readPosition(directory, wallClock());
    this.#pass = pass;
    this.#suspects = [...suspects];
    const { signal } = this.#stopping;
    if (!signal.aborted) this.#timer = setInterval(() => this.#tick(), steerMs);
    while (!signal.aborted) await this.#attempts.run('scrub', () => this.#step());
  }

  #tick(): void {
    this.#steer();
    if (this.#settings.now() - this.#saved.at >= saveMs) void this.#save();
  }

  #steer(): void {
    this.#pass = believedPass(this.#pass, this.#settings.wallClock());
    this.#review();
    const rateMin = this.#days > 0 && this.#suspects.length > 0 ? scrubRateMin : 0;
    const rate = Math.max(rateMin, scrubRate(this.#view()));
    this.#bucket.rate = isLeftToClients(this.#clients()) ? 0 : rate;
  }

  #review(): void {
    const now = this.#settings.now();
    if (this.#suspects.length > 0 || now - this.#reviewedAt < reviewMs) return;
    this.#reviewedAt = now;
    this.#suspects = this.#damaged.chunks.slice(0, reviewedMax);
  }

  #view(): ScrubView {
    const { store, wallClock } = this.#settings;
    const { usedBytes } = store;
    return { now: wallClock(), pass: this.#pass, usedBytes, days: this.#days };
  }

  #clients(): ClientsNow {
    const { traffic, background } = this.#settings;
    const { objectiveMs } = background.told;
    return {
      unanswered: traffic.isUnanswered,
      bytes: Math.max(traffic.rate('foregroundIn'), traffic.rate('foregroundOut')),
      migrationBytesMax: background.rateMax,
      loadFactor: backgroundFactor(background.load, 0),
      p99Ms: objectiveMs === null ? null : traffic.p99Ms(),
      objectiveMs,
    };
  }

  /** One copy, or the end of a pass. */
  async #step(): Promise<void> {
    await this.#bucket.take(0, this.#stopping.signal);
    const suspect = this.#suspects[0];
    if (suspect !== undefined) {
      await this.#look(suspect, readBytes);
      this.#suspects.shift();
    } else if (isScrubDue(this.#view())) await this.#goOn();
    else this.#steer();
  }

  async #goOn(): Promise<void> {
    this.#pass = nextPass(this.#pass, this.#settings.wallClock());
    const copy = this.#nextCopy();
    if (copy === undefined) return this.#end();
    await this.#look(copy.chunk, copy.size);
    this.#pass = { ...this.#pass, after: copy.chunk };
    this.#page.shift();
  }

  /** Copies that come into a page after it was read were written just now: they wait for the next pass. */
  #nextCopy(): HeldCopy | undefined {
    const { store } = this.#settings;
    if (this.#page.length === 0) this.#page = store.held(this.#pass.after, scrubPageCopies);
    return this.#page[0];
  }

  async #look(chunk: string, size: number): Promise<void> {
    const { store, log } = this.#settings;
    const damage = await store.damageOf(chunk, this.#pacedFor(size));
    if (this.#damaged.note(chunk, damage))
      log('copy-damaged', { chunk, slot: damage?.copy.slot, reason: damage?.reason });
  }

  /** Within the pass' rate, and in turn with what migrations do on the disk. */
  #pacedFor(size: number): Paced {
    const bytes = Math.min(readBytes, Math.max(scrubBytesMin, size));
    return async (read) => {
      await this.#bucket.take(bytes, this.#stopping.signal);
      return this.#settings.background.disk.run(bytes, read);
    };
  }

  async #end(): Promise<void> {
    const { log, wallClock } = this.#settings;
    this.#pass = endedPass(this.#pass, wallClock());
    log('scrub-pass-ended', { ...this.told, startedAt: this.#pass.startedAt });
    this.#steer();
    await this.#save();
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write());
    return this.#saving;
  }

  async #write(): Promise<void> {
    const { store, directory, now } = this.#settings;
    const pass = this.#pass;
    if (pass === this.#saved.pass || store.health.suspect) return;
    const suspects = [...new Set([...this.#suspects, ...this.#damaged.chunks])];
    const position = { pass, suspects: suspects.slice(0, suspectsMax) };
    await this.#attempts.run('scrub-position', () => writePosition(directory, position));
    this.#saved = { pass, at: now() };
  }
}
