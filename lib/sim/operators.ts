import { batchOfKey, batchPartition } from '../contract/keys.ts';
import { autoscale } from '../control/autoscale.ts';
import { cancelAllOf, cancelBatch, findBatch } from '../control/cancel.ts';
import { readJob } from '../control/jobs.ts';
import { pace } from '../control/pace.ts';
import { type PauseScope, setPaused } from '../control/pause.ts';
import { startDrain, startRebalance, startScaleOut } from '../control/start-job.ts';
import { undrain } from '../control/undrain.ts';
import { type JobId, zone } from '../core/ids.ts';
import { zones } from './founding.ts';
import type { Mix } from './mix.ts';
import type { Shuffler } from './shuffler.ts';
import { activeNodes, runningJobs, undrainable } from './sights.ts';
import type { World } from './world.ts';

/** What operators do however many jobs run. */
const ending: readonly (keyof Mix | undefined)[] = ['cancel', 'cancelBatch', 'undrain'];
/** Jobs that operators let run at once. */
const jobsMax = 3;
const actMs = [50, 3_000] as const;
/** For how long something is paused. */
const pausedMs = [100, 5_000] as const;

/** Those who steer the fleet. */
export class Operators {
  readonly #world: World;
  readonly #mix: Mix;
  readonly #shuffler: Shuffler;
  #stopped = false;

  constructor(world: World, mix: Mix, shuffler: Shuffler) {
    this.#world = world;
    this.#mix = mix;
    this.#shuffler = shuffler;
  }

  begin(): void {
    const { scheduler, random } = this.#world.ground;
    scheduler.after(random.logBetween(actMs[0], actMs[1]), () => {
      if (this.#stopped) return;
      this.#act();
      this.begin();
    });
  }

  /** Nobody asks for anything new. */
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
    for (const id of this.#running()) this.#cancel(id);
  }

  /** Nobody leaves a fleet paused for ever. */
  resumeAll(): void {
    const scopes: PauseScope[] = ['all', ...zones.map((each) => ({ zone: zone(each) }))];
    for (const scope of [...scopes, ...this.#running().map((job) => ({ job }))])
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
    const job = random.pickAny(this.#running());
    const scopes: PauseScope[] = ['all', { zone: zone(random.pick(zones)) }];
    const scope = random.pick(job === undefined ? scopes : [...scopes, { job }]);
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
    const { ground, store } = this.#world;
    const job = ground.random.pickAny(this.#running());
    const planned = job === undefined ? [] : store.all('placement', batchPartition(job), 'B#');
    const batch = ground.random.pickAny(planned);
    if (batch === undefined) return;
    this.#world.spawn('cancel-batch', async (ports) => {
      const found = await findBatch(ports, batchOfKey(batch.sk));
      return found === undefined ? 'over' : cancelBatch(ports, found);
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
      const { ground, store, policy } = this.#world;
      const active = activeNodes(store);
      const node = ground.random.pickAny(active);
      if (node === undefined || active.length <= policy.nodesMin) return;
      this.#world.spawn('drain', (ports) => startDrain(ports, [node], ['asked for']));
    },
    cancel: () => {
      const job = this.#world.ground.random.pickAny(this.#running());
      if (job !== undefined) this.#cancel(job);
    },
    undrain: () => {
      const { ground, store } = this.#world;
      const leaver = ground.random.pickAny(undrainable(store));
      if (leaver !== undefined)
        this.#world.spawn('undrain', (ports) => undrain(ports, leaver.node));
    },
    rebalance: () => void this.#world.spawn('ask', (ports) => startRebalance(ports, ['asked for'])),
    scaleOut: () => {
      if (this.#world.nodes.size >= this.#world.policy.nodesMax) return;
      const where = this.#world.ground.random.pick(zones);
      this.#world.spawn('grow', (ports) => startScaleOut(ports, { [where]: 1 }, ['asked for']));
    },
    replay: () => this.#shuffler.replay(),
    alarm: () => void this.#world.spawn('alarm', (ports) => autoscale(ports, 'an alarm')),
    pause: () => this.#pause(),
    cancelBatch: () => this.#cancelBatch(),
  };

  readonly #running = (): readonly JobId[] => runningJobs(this.#world.store);
}
