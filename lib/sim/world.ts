import type { FleetEvent } from '../contract/events.ts';
import {
  BatchMessage,
  type StepName,
  type StepResult,
  SweepMessage,
  type Verdicts,
} from '../contract/messages.ts';
import { Policy } from '../contract/policy.ts';
import { migrate } from '../control/migrate.ts';
import type { Item, Machine, Ports } from '../control/ports.ts';
import { sweep } from '../control/sweep.ts';
import { type JobId, type NodeId, nodeId } from '../core/ids.ts';
import { type DiskRules, soundRules } from './disk.ts';
import type { Faults } from './faults.ts';
import { History } from './history.ts';
import { Judge, type Violation } from './judge.ts';
import { addressOf, type LaunchTokens, SimEc2, SimMachines } from './machines.ts';
import { SimNode } from './node.ts';
import { SimNodes } from './nodes.ts';
import { type Ending, type Ground, Process } from './process.ts';
import { SimQueue, SimQueues } from './queues.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { steps } from './steps.ts';
import { type Change, Store } from './store.ts';
import { SimTables } from './tables.ts';
import { type Outcome, SimStates, SimWorkflows } from './workflows.ts';

/** What a test changes in a world in order to plant a bug. */
export interface Plant {
  readonly rules?: Partial<DiskRules>;
  readonly policy?: Partial<Policy>;
  /** Faults that strike at this rate in every seed: those without which the bug does no harm. */
  readonly faults?: Partial<Faults>;
  /** Share of the drains that are undone in every seed: for bugs that nothing else shows. */
  readonly wavering?: number;
  /** Puts something between the world and lib/control in one process (`prove-…`, `worker…`, `sweep…`). */
  readonly wrap?: (ports: Ports, world: World, process: string) => Ports;
  /** EC2 that forgets client tokens. */
  readonly launchTokens?: LaunchTokens;
}

export interface WorldOptions {
  readonly seed: number;
  readonly faults: Faults;
  /** Most items of a page of a query. */
  readonly pageItemsMax: number;
  readonly keeping: 'words' | 'hash';
  readonly plant: Plant;
}

/** The reference design's lengths of time, about a hundred times as short; sizes in tens of bytes. */
const policyOf = (plant: Plant): Policy =>
  Policy.parse({
    nodeCapacityBytes: 800,
    nodesMin: 3,
    nodesMax: 9,
    nodesStepMax: 2,
    fillHighForMs: 1_000,
    fillLowForMs: 5_000,
    leadMs: 30_000,
    spareForMs: 60_000,
    historyEveryMs: 60_000,
    cooldownOutMs: 10_000,
    cooldownInMs: 30_000,
    deadAfterMs: 20_000,
    joinLimitMs: 30_000,
    graceMs: 1_000,
    connectionsLimitMs: 3_000,
    parkingMs: 8_000,
    flightLimitMs: 12_000,
    ...plant.policy,
  });

/** Clocks of machines that keep time by NTP differ by less. */
const skewMsMax = 1_000;
/** A Lambda's time-out. */
const lambdaLimitMs = 60_000;

/** Everything outside lib/control, and the processes in which lib/control runs. */
export class World {
  readonly ground: Ground;
  readonly options: WorldOptions;
  readonly policy: Policy;
  readonly store: Store;
  readonly judge: Judge;
  readonly ec2: SimEc2;
  readonly batches: SimQueue;
  readonly sweeps: SimQueue;
  readonly states: SimStates;
  readonly nodes = new Map<NodeId, SimNode>();
  readonly archive = new Map<string, string>();
  /** Events that the world has heard of, by id. */
  readonly told = new Map<string, FleetEvent>();
  /** Told of every file that a path names, or names no more. */
  onFile: (path: string, item: Item | undefined) => void = () => {};
  /** The first one: the run ends with it. */
  violation: Violation | undefined;
  readonly #byAddress = new Map<string, SimNode>();
  #ids = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.policy = policyOf(options.plant);
    const scheduler = new Scheduler();
    const random = new Random(options.seed);
    this.ground = {
      pageItemsMax: options.pageItemsMax,
      scheduler,
      random,
      faults: options.faults,
      history: new History(options.keeping),
    };
    const now = () => scheduler.now;
    this.store = new Store(now, (changes) => this.#changed(changes));
    const violated = (violation: Violation) => this.violate(violation);
    this.judge = new Judge({ store: this.store, nodes: this.nodes, now, violated });
    this.ec2 = new SimEc2(
      this.ground,
      {
        booted: (machine) => this.#boot(machine),
        terminating: ({ node }) => this.judge.terminating(node),
        terminated: ({ node }) => {
          this.nodes.get(node)?.destroy();
          this.judge.terminated();
        },
      },
      options.plant.launchTokens ?? 'honoured',
    );
    this.states = new SimStates(this.ground, (...step) => this.#runStep(...step));
    this.batches = this.#queue((ports, body) => {
      const until = ports.now() + lambdaLimitMs;
      return migrate(ports, BatchMessage.parse(body), { remainingMs: () => until - ports.now() });
    });
    this.sweeps = this.#queue((ports, body) =>
      sweep(ports, SweepMessage.parse(body).nodes.map(nodeId)),
    );
  }

  violate(violation: Violation): void {
    this.violation ??= violation;
    const { history, scheduler } = this.ground;
    history.note(scheduler.now, 'judge', violation.invariant, violation.message);
  }

  /** Lets so much virtual time pass, unless something is violated or `ended` before. */
  run(forMs: number, ended: () => boolean = () => false): Promise<void> {
    const { scheduler } = this.ground;
    return scheduler.run(scheduler.now + forMs, () => this.violation !== undefined || ended());
  }

  /** Runs a body of lib/control in a process of its own. */
  spawn<T>(
    name: string,
    body: (ports: Ports) => Promise<T>,
    ended: (ending: Ending<T>) => void = () => {},
    limitMs = lambdaLimitMs,
  ): Process {
    const { random, scheduler } = this.ground;
    const skewMs = random.between(-skewMsMax, skewMsMax) / 2;
    const process = new Process(this.ground, `${name}.${++this.#ids}`, skewMs);
    process.run(
      () => body(this.portsOf(process)),
      (ending) => {
        if (ending.kind === 'threw') this.#noteThrown(process, ending.error);
        ended(ending);
      },
    );
    scheduler.after(limitMs, () => {
      if (process.running) process.crash();
    });
    return process;
  }

  portsOf(process: Process): Ports {
    const ports: Ports = {
      tables: new SimTables(process, this.store),
      nodes: new SimNodes(process, this.#byAddress),
      machines: new SimMachines(process, this.ec2),
      workflows: new SimWorkflows(process, this.states),
      queues: new SimQueues(process, this.batches, this.sweeps),
      archive: {
        put: (key, body) => process.call(`archive ${key}`, () => void this.archive.set(key, body)),
      },
      events: {
        tell: (events) =>
          process.call(`tell ${events.length}`, () => {
            for (const event of events) this.told.set(event.id, event);
          }),
      },
      now: () => process.now(),
      newId: () => this.newId(),
      policy: this.policy,
      log: (event, detail) => process.note(event, () => JSON.stringify(detail)),
    };
    return this.options.plant.wrap?.(ports, this, process.name) ?? ports;
  }

  /** As a ULID: the time in front, unique behind. */
  newId(): string {
    const time = Math.floor(this.ground.scheduler.now).toString(32).toUpperCase().padStart(10, '0');
    return time + (++this.#ids).toString(32).toUpperCase().padStart(16, '0');
  }

  #changed(changes: readonly Change[]): void {
    this.judge.tablesChanged(changes);
    for (const { key, after } of changes) if (key.table === 'files') this.onFile(key.sk, after);
  }

  #queue(work: (ports: Ports, body: unknown) => Promise<unknown>): SimQueue {
    return new SimQueue(this.ground, {
      visibilityMs: 6 * lambdaLimitMs,
      receivesMax: 5,
      work: (body, ended) => this.spawn('worker', (ports) => work(ports, body), ended),
    });
  }

  #runStep(
    step: StepName,
    job: JobId,
    outcome: Outcome | undefined,
    ended: (ending: Ending<StepResult<Verdicts[StepName]>>) => void,
  ): void {
    this.spawn(`${step}-${job}`, (ports) => steps[step](ports, job, outcome ?? 'failed'), ended);
  }

  #boot(machine: Machine): void {
    const address = addressOf(machine);
    const { node: id, zone, instance } = machine;
    const birth = { id, zone, instance, address, capacity: this.policy.nodeCapacityBytes };
    const rules = { ...soundRules, ...this.options.plant.rules };
    if (this.nodes.has(id)) {
      this.violate({ invariant: 'I9', message: `a second machine, ${instance}, for ${id}` });
    }
    const node = new SimNode(this.ground, birth, rules, this.judge);
    this.nodes.set(nodeId(id), node);
    this.#byAddress.set(address, node);
  }

  #noteThrown(process: Process, error: unknown): void {
    process.note(
      'threw',
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    );
  }
}
