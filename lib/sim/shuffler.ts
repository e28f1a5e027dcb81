import { BatchRecord, FlightRecord, type MoveRecord } from '../contract/job-records.ts';
import { batchKey, chunkKey, flightKey, movesKey } from '../contract/keys.ts';
import type { BatchMessage } from '../contract/messages.ts';
import type { ChunkRecord } from '../contract/records.ts';
import { slotBytes } from '../core/fleet.ts';
import { batchId, type ChunkId, chunkId, jobId, type NodeId } from '../core/ids.ts';
import { bytes } from '../core/units.ts';
import { every } from './every.ts';
import { startMs } from './process.ts';
import { activeNodes } from './sights.ts';
import type { World } from './world.ts';

/** Moves that no planner would make. */
export interface Shuffling {
  readonly everyMs: number;
  /** Chunks that are moved again and again. */
  readonly chunks: number;
}

type Placed = readonly [string, ChunkRecord];

const movesPerShuffle = 3;

/** A planner that makes no sense: back and forth, and what was sent long ago again. */
export class Shuffler {
  readonly #world: World;
  readonly #shuffling: Shuffling;
  readonly #sent: BatchMessage[] = [];
  readonly #restless: string[] = [];
  #stopped = false;

  constructor(world: World, shuffling: Shuffling) {
    this.#world = world;
    this.#shuffling = shuffling;
  }

  begin(): void {
    every(this.#world.ground, this.#shuffling.everyMs, () => {
      if (!this.#stopped) this.#shuffle();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends a batch's message again. */
  replay(): void {
    const old = this.#world.ground.random.pickAny(this.#sent);
    if (old !== undefined) this.#world.batches.send(old, 0);
  }

  /** Whatever is asked for, nothing may be lost. */
  #shuffle(): void {
    const { random } = this.#world.ground;
    const placements = [...this.#world.judge.placements()].filter(
      ([, { state }]) => state === 'live',
    );
    const first = this.#restlessOf(placements);
    if (first === undefined) return;
    const to = random.pickAny(this.#destinationsOf(chunkId(first[0])));
    if (to === undefined) return;
    const from = random.pick(first[1].holders);
    const others = placements.filter(([chunk]) => chunk !== first[0]);
    const moves = [first, ...others]
      .filter(([, { holders }]) => holders.includes(from) && !holders.includes(to))
      .slice(0, 1 + random.below(movesPerShuffle))
      .map(([chunk, record]) => ({
        chunk,
        slot: record.holders.indexOf(from),
        bytes: slotBytes(bytes(record.size), record.redundancy),
      }));
    if (moves.length > 0) this.#sendBatch(from, to, moves);
  }

  /** Few chunks travel much, so that they come back while something late is under way. */
  #restlessOf(placements: readonly Placed[]): Placed | undefined {
    const { random } = this.#world.ground;
    const known = placements.filter(([chunk]) => this.#restless.includes(chunk));
    if (known.length >= this.#shuffling.chunks) return random.pickAny(known);
    const another = random.pickAny(placements);
    if (another !== undefined) this.#restless.push(another[0]);
    return another;
  }

  /** Mostly back to where the chunk was before: what is late there has something to destroy. */
  #destinationsOf(chunk: ChunkId): readonly NodeId[] {
    const holders = this.#world.store.get(chunkKey(chunk))?.holders as readonly string[];
    const active = activeNodes(this.#world.store).filter((id) => !holders.includes(id));
    const known = active.filter((id) => this.#world.nodes.get(id)?.disk.shelf(chunk) !== undefined);
    return known.length > 0 && this.#world.ground.random.chance(0.7) ? known : active;
  }

  #sendBatch(from: string, to: NodeId, moves: readonly MoveRecord[]): void {
    const id = batchId(this.#world.newId());
    const job = jobId('shuffle');
    const total = moves.reduce((sum, move) => sum + move.bytes, 0);
    const ends = { urgency: 'low', from, to, bytes: total } as const;
    const tally = { movesDone: 0, bytesDone: 0 };
    const planned = { state: 'planned', movesRetried: 0, failures: [] };
    const batch = BatchRecord.parse({ ...ends, ...tally, ...planned });
    const aliveAt = Math.floor(startMs + this.#world.ground.scheduler.now);
    const flight = FlightRecord.parse({
      ...ends,
      ...tally,
      job,
      moves: moves.length,
      rate: 1_000,
      token: 1,
      aliveAt,
      lastOp: '',
    });
    this.#world.store.write([
      { op: 'put', key: batchKey(job, id), fields: batch },
      { op: 'put', key: movesKey(job, id), fields: { moves } },
      { op: 'put', key: flightKey(id), fields: flight },
    ]);
    const message = { job, batch: id, token: 1 };
    this.#sent.push(message);
    this.#world.batches.send(message, 0);
  }
}
