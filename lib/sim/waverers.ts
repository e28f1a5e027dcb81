import { cancelJob } from '../control/jobs.ts';
import { startDrain } from '../control/start-job.ts';
import { undrain } from '../control/undrain.ts';
import { jobId, type NodeId } from '../core/ids.ts';
import { every } from './every.ts';
import { activeNodes, runningJobs, undrainable } from './sights.ts';
import type { World } from './world.ts';

/** Between drains; as soon as moves are committed they are undone. */
const drainMs = 1_000;
const drainsMax = 2;
/** Between looks at what drains have parked. */
const lookMs = 250;
/** How long a node keeps parked copies until somebody wants it back. */
const undrainAfterMs = [1, 6_000] as const;
/** A wish that is repeated comes so much later; so does the next drain of a node that was wanted back. */
const againAfterMs = [1, 6_000] as const;
/** Some only cancel the drain, and want back what it moved about when the parking ends. */
const cancelledShare = 0.4;
const lateMs = [3_000, 12_000] as const;
const repeatedShare = 0.4;
const drainedAgainShare = 0.5;

/** Operators who drain a node, want it back in the middle, some of them twice, and then change their minds. */
export class Waverers {
  readonly #world: World;
  readonly #share: number;
  /** `node job`: drains that were seen. */
  readonly #seen = new Set<string>();
  #stopped = false;

  /** @param share of the drains that have parked something: those that are undone */
  constructor(world: World, share: number) {
    this.#world = world;
    this.#share = share;
  }

  /** A smaller fleet lets no node go while it holds much. */
  get nodesMin(): number {
    return this.#share > 0 ? 7 : 4;
  }

  begin(): void {
    if (this.#share === 0) return;
    every(this.#world.ground, drainMs, () => this.#drainAny());
    every(this.#world.ground, lookMs, () => this.#look());
  }

  stop(): void {
    this.#stopped = true;
  }

  #drainAny(): void {
    const { store, policy } = this.#world;
    const active = activeNodes(store);
    if (this.#stopped || active.length <= policy.nodesMin) return;
    if (runningJobs(store).length < drainsMax) this.#drain(this.#fullestOf(active));
  }

  /** Where little is held there is little to undo. */
  #fullestOf(nodes: readonly NodeId[]): NodeId {
    const slots = new Map<string, number>(nodes.map((node) => [node, 0]));
    for (const { state, holders } of this.#world.judge.placements().values()) {
      for (const holder of state === 'live' ? holders : [])
        slots.set(holder, (slots.get(holder) ?? 0) + 1);
    }
    return nodes.reduce((most, node) => (slots.get(node)! > slots.get(most)! ? node : most));
  }

  #look(): void {
    if (this.#stopped) return;
    const { ground, store } = this.#world;
    for (const { node, job } of undrainable(store)) {
      const drain = `${node} ${job}`;
      if (this.#seen.has(drain)) continue;
      this.#seen.add(drain);
      if (ground.random.chance(this.#share)) this.#regret(node, job);
    }
  }

  #regret(node: NodeId, job: string): void {
    const { random } = this.#world.ground;
    if (random.chance(cancelledShare)) {
      this.#world.spawn('cancel', (ports) => cancelJob(ports, jobId(job)));
      this.#later(lateMs, () => this.#undrain(node));
      return;
    }
    this.#later(undrainAfterMs, () => {
      this.#undrain(node);
      if (random.chance(repeatedShare)) this.#later(againAfterMs, () => this.#undrain(node));
      if (random.chance(drainedAgainShare)) this.#later(againAfterMs, () => this.#drain(node));
    });
  }

  #undrain(node: NodeId): void {
    this.#world.spawn('undrain', (ports) => undrain(ports, node));
  }

  #drain(node: NodeId): void {
    this.#world.spawn('drain', (ports) => startDrain(ports, [node], ['asked for']));
  }

  #later([from, to]: readonly [number, number], run: () => void): void {
    const { scheduler, random } = this.#world.ground;
    scheduler.after(random.logBetween(from, to), () => {
      if (!this.#stopped) run();
    });
  }
}
