import {
  batchKey,
  batchOfKey,
  batchPartition,
  chunkKey,
  fleetPartition,
  flightKey,
  jobPartition,
  movesKey,
  nodeOfKey,
  outboxPartition,
} from '../contract/keys.ts';
import type { BatchMessage } from '../contract/messages.ts';
import {
  BatchRecord,
  type ChunkRecord,
  FlightRecord,
  type JobRecord,
  type MoveRecord,
  type NodeRecord,
} from '../contract/records.ts';
import { autoscale } from '../control/autoscale.ts';
import { cancelAllOf, cancelBatch, findBatch } from '../control/cancel.ts';
import { tryCollect } from '../control/collect.ts';
import { readNodes } from '../control/fleet.ts';
import { readJob, startDrain, startRebalance, startScaleOut } from '../control/jobs.ts';
import { orphanAgeMs } from '../control/limits.ts';
import { pace } from '../control/pace.ts';
import { type PauseScope, setPaused } from '../control/pause.ts';
import type { Item } from '../control/ports.ts';
import { sweep } from '../control/sweep.ts';
import { undrain } from '../control/undrain.ts';
import { watch } from '../control/watch.ts';
import { slotBytes } from '../core/fleet.ts';
import {
  batchId,
  type ChunkId,
  chunkId,
  type JobId,
  jobId,
  type NodeId,
  zone,
} from '../core/ids.ts';
import { bytes } from '../core/units.ts';
import { zones } from './founding.ts';
import { recordOf } from './judge.ts';
import type { Mix, Shuffling } from './mix.ts';
import { startMs } from './process.ts';
import type { World } from './world.ts';

type Placed = readonly [string, ChunkRecord];

/** What operators do however many jobs run. */
const ending: readonly (keyof Mix | undefined)[] = ['cancel', 'cancelBatch', 'undrain'];
/** Jobs that operators let run at once. */
const jobsMax = 3;
const watchMs = 6_000;
/** The watch takes one node a minute; days of it do not fit a simulated minute. */
const collectMs = 4_000;
const sweepMs = 7_000;
const actMs = [50, 3_000] as const;
/** For how long something is paused. */
const pausedMs = [100, 5_000] as const;
const movesPerShuffle = 3;

/** Those who steer the fleet, the schedules that watch over it, and a planner that makes no sense. */
export class Operators {
  readonly #world: World;
  readonly #mix: Mix;
  readonly #sent: BatchMessage[] = [];
  readonly #shuffling: Shuffling;
  readonly #restless: string[] = [];
  #stopped = false;
  #collected = 0;

  constructor(world: World, mix: Mix, shuffling: Shuffling) {
    this.#world = world;
    this.#mix = mix;
    this.#shuffling = shuffling;
  }

  begin(): void {
    this.#every(watchMs, () => this.#world.spawn('watch', watch));
    this.#every(sweepMs, () => this.#world.spawn('sweep', (ports) => sweep(ports, [])));
    this.#every(collectMs, () => this.#collect());
    this.#next();
    this.#every(this.#shuffling.everyMs, () => {
      if (!this.#stopped) this.#shuffle();
    });
  }

  /** The schedules go on; nobody asks for anything new. */
  stop(): void {
    this.#stopped = true;
  }

  /** What operators do about jobs that are blocked: a node more in each zone. */
  relieve(): void {
    const one = Object.fromEntries(zones.map((zone) => [zone, 1]));
    this.#world.spawn('grow', (ports) => startScaleOut(ports, one, ['jobs are blocked']));
  }

  /** What operators do about jobs that cannot end. */
  cancelAll(): void {
    for (const { id } of this.#running()) this.#cancel(id);
  }

  /** Nobody leaves a fleet paused for ever. */
  resumeAll(): void {
    const scopes: PauseScope[] = ['all', ...zones.map((each) => ({ zone: zone(each) }))];
    for (const scope of [...scopes, ...this.#running().map(({ id }) => ({ job: id }))])
      this.#world.spawn('resume', (ports) => setPaused(ports, scope, false, 'faults are over'));
  }

  #cancel(id: JobId): void {
    this.#world.spawn('cancel', async (ports) => {
      const job = await readJob(ports.tables, id);
      return job === undefined ? false : cancelAllOf(ports, job);
    });
  }

  /** Everything, a zone or a job is held, and let go a while later. */
  #pause(): void {
    const { scheduler, random } = this.#world.ground;
    const job = this.#pick(this.#running());
    const scopes: PauseScope[] = ['all', { zone: zone(random.pick(zones)) }];
    const scope = random.pick(job === undefined ? scopes : [...scopes, { job: job.id }]);
    this.#world.spawn('pause', (ports) => setPaused(ports, scope, true, 'asked for'));
    scheduler.after(random.logBetween(pausedMs[0], pausedMs[1]), () =>
      this.#world.spawn('resume', async (ports) => {
        await setPaused(ports, scope, false, 'asked for');
        await pace(ports);
      }),
    );
  }

  /** One that waits, flies, or has just ended. */
  #cancelBatch(): void {
    const job = this.#pick(this.#running());
    const planned =
      job === undefined ? [] : this.#world.store.all('placement', batchPartition(job.id), 'B#');
    const batch = this.#pick(planned);
    if (batch === undefined) return;
    this.#world.spawn('cancel-batch', async (ports) => {
      const found = await findBatch(ports, batchOfKey(batch.sk));
      return found === undefined ? 'over' : cancelBatch(ports, found);
    });
  }

  #every(periodMs: number, run: () => void): void {
    const { scheduler, random } = this.#world.ground;
    scheduler.after(periodMs * random.between(0.8, 1.2), () => {
      run();
      this.#every(periodMs, run);
    });
  }

  #next(): void {
    const { scheduler, random } = this.#world.ground;
    scheduler.after(random.logBetween(actMs[0], actMs[1]), () => {
      if (this.#stopped) return;
      this.#act();
      this.#next();
    });
  }

  #act(): void {
    const { random } = this.#world.ground;
    const kinds = Object.entries(this.#mix) as [keyof Mix, number][];
    let dice = random.next() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
    const chosen = kinds.find(([, weight]) => {
      dice -= weight;
      return dice < 0;
    });
    if (ending.includes(chosen?.[0]) || this.#running().length < jobsMax) {
      this.#acts[chosen?.[0] ?? 'alarm']();
    }
  }

  readonly #acts: Readonly<Record<keyof Mix, () => void>> = {
    drain: () => {
      const node = this.#pick(this.#active());
      if (node === undefined || this.#active().length <= this.#world.policy.nodesMin) return;
      this.#world.spawn('drain', (ports) => startDrain(ports, [node], ['asked for']));
    },
    cancel: () => {
      const job = this.#pick(this.#running());
      if (job !== undefined) this.#cancel(job.id);
    },
    undrain: () => {
      const node = this.#pick(this.#everDrained());
      if (node !== undefined) this.#world.spawn('undrain', (ports) => undrain(ports, node));
    },
    rebalance: () => void this.#world.spawn('ask', (ports) => startRebalance(ports, ['asked for'])),
    scaleOut: () => {
      if (this.#world.nodes.size >= this.#world.policy.nodesMax) return;
      const where = this.#world.ground.random.pick(zones);
      this.#world.spawn('grow', (ports) => startScaleOut(ports, { [where]: 1 }, ['asked for']));
    },
    replay: () => {
      const old = this.#pick(this.#sent);
      if (old !== undefined) this.#world.batches.send(old, 0);
    },
    alarm: () => void this.#world.spawn('alarm', (ports) => autoscale(ports, 'an alarm')),
    pause: () => this.#pause(),
    cancelBatch: () => this.#cancelBatch(),
  };

  /** Moves that no plan would make, back and forth: whatever is asked for, nothing may be lost. */
  #shuffle(): void {
    const { random } = this.#world.ground;
    const placements = [...this.#world.judge.placements()].filter(
      ([, { state }]) => state === 'live',
    );
    const first = this.#restlessOf(placements);
    if (first === undefined) return;
    const to = this.#pick(this.#destinationsOf(chunkId(first[0])));
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
    const known = placements.filter(([chunk]) => this.#restless.includes(chunk));
    if (known.length >= this.#shuffling.chunks) return this.#pick(known);
    const another = this.#pick(placements);
    if (another !== undefined) this.#restless.push(another[0]);
    return another;
  }

  /** Mostly back to where the chunk was before: what is late there has something to destroy. */
  #destinationsOf(chunk: ChunkId): readonly NodeId[] {
    const holders = this.#world.store.get(chunkKey(chunk))?.holders as readonly string[];
    const active = this.#active().filter((id) => !holders.includes(id));
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

  #collect(): void {
    const active = this.#active();
    const chosen = active[this.#collected++ % active.length];
    this.#world.spawn('collect', async (ports) => {
      const node = (await readNodes(ports.tables)).find(({ id }) => id === chosen);
      return node === undefined ? 0 : tryCollect(ports, node, orphanAgeMs);
    });
  }

  #active(): readonly NodeId[] {
    return this.#world.store
      .all('placement', fleetPartition)
      .filter((item) => recordOf<NodeRecord>(item).state === 'active')
      .map(({ sk }) => nodeOfKey(sk));
  }

  /** Those that drain, or that a drain gave back, and that keep parked copies of it. */
  #everDrained(): readonly NodeId[] {
    return this.#world.store
      .all('placement', fleetPartition)
      .filter(({ sk, job }) => job !== '' && this.#hasParked(nodeOfKey(sk), job))
      .map(({ sk }) => nodeOfKey(sk));
  }

  #hasParked(node: NodeId, job: Item[string] | undefined): boolean {
    const rows = this.#world.store.all('placement', outboxPartition(node));
    return rows.some((row) => row.job === job);
  }

  #running() {
    return this.#world.store
      .all('placement', jobPartition)
      .filter((item) => recordOf<JobRecord>(item).state === 'running')
      .map(({ sk }) => ({ id: jobId(sk.slice('J#'.length)) }));
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : this.#world.ground.random.pick(items);
  }
}
