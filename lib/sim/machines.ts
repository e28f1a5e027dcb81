import { type Machine, type Machines, TryLater } from '../control/ports.ts';
import type { NodeId, Zone } from '../core/ids.ts';
import type { Ground, Process } from './process.ts';

export interface MachinePark {
  /** A machine runs: its agent starts. */
  booted(machine: Machine): void;
  /** Before the machine and its disk are destroyed. */
  terminating(machine: Machine): void;
  terminated(machine: Machine): void;
}

/** Whether the same client token launches the same machine. */
export type LaunchTokens = 'honoured' | 'ignored';

interface Owned {
  machine: Machine;
  readonly token: string;
  readonly launchedAt: number;
  terminatedAt: number;
}

const bootMs = [200, 8_000] as const;
const shutdownMs = [10, 3_000] as const;
/** How old a list may be: EC2 tells of a launch or an end this much later. */
const listAgeMs = 5_000;
/** EC2 lists a terminated instance for about an hour. */
const terminatedListedMs = 3_600_000;

/** EC2: what is really there. */
export class SimEc2 {
  readonly #ground: Ground;
  readonly #park: MachinePark;
  readonly #owned = new Map<string, Owned>();
  readonly #tokens: LaunchTokens;
  #numbers = 0;

  constructor(ground: Ground, park: MachinePark, tokens: LaunchTokens) {
    this.#ground = ground;
    this.#park = park;
    this.#tokens = tokens;
  }

  all(): readonly Machine[] {
    return [...this.#owned.values()].map(({ machine }) => machine);
  }

  /** The same token gives the same machine. */
  launch(node: NodeId, zone: Zone, token: string): Machine {
    const known = [...this.#owned.values()].find((owned) => owned.token === token);
    if (known !== undefined && this.#tokens === 'honoured') return known.machine;
    const instance = `i-${String(++this.#numbers).padStart(4, '0')}`;
    const machine: Machine = { instance, node, zone, state: 'pending', address: '' };
    const { scheduler, random, faults } = this.#ground;
    const owned = { machine, token, launchedAt: scheduler.now, terminatedAt: Number.NaN };
    this.#owned.set(instance, owned);
    if (random.chance(faults.machineNeverJoins)) return machine;
    scheduler.after(random.between(bootMs[0], bootMs[1]), () => this.#boot(owned));
    return machine;
  }

  /** A machine that has been there for long. */
  adopt(node: NodeId, zone: Zone): Machine {
    const instance = `i-${String(++this.#numbers).padStart(4, '0')}`;
    const machine: Machine = { instance, node, zone, state: 'pending', address: '' };
    const owned = { machine, token: instance, launchedAt: -listAgeMs, terminatedAt: Number.NaN };
    this.#owned.set(instance, owned);
    this.#boot(owned);
    return owned.machine;
  }

  /** Destroys the machine with its disk. Again is harmless. */
  terminate(instance: string): void {
    const owned = this.#owned.get(instance);
    if (owned === undefined || !Number.isNaN(owned.terminatedAt)) return;
    this.#park.terminating(owned.machine);
    const { scheduler, random } = this.#ground;
    owned.terminatedAt = scheduler.now;
    owned.machine = { ...owned.machine, state: 'stopping' };
    this.#park.terminated(owned.machine);
    scheduler.after(random.between(shutdownMs[0], shutdownMs[1]), () => {
      owned.machine = { ...owned.machine, state: 'terminated', address: '' };
    });
  }

  list(): readonly Machine[] {
    const { scheduler, random, faults } = this.#ground;
    const asOf = scheduler.now - (random.chance(faults.machineListStale) ? listAgeMs : 0);
    return [...this.#owned.values()]
      .filter(({ launchedAt }) => launchedAt <= asOf)
      .filter(({ terminatedAt }) => !(asOf - terminatedAt > terminatedListedMs))
      .map(({ machine, terminatedAt }) =>
        terminatedAt > asOf ? { ...machine, state: 'running' as const } : machine,
      );
  }

  #boot(owned: Owned): void {
    if (!Number.isNaN(owned.terminatedAt)) return;
    owned.machine = { ...owned.machine, state: 'running', address: addressOf(owned.machine) };
    this.#park.booted(owned.machine);
  }
}

export const addressOf = ({ instance }: Machine): string => `${instance}:7070`;

export class SimMachines implements Machines {
  readonly #process: Process;
  readonly #ec2: SimEc2;

  constructor(process: Process, ec2: SimEc2) {
    this.#process = process;
    this.#ec2 = ec2;
  }

  launch(node: NodeId, zone: Zone, token: string): Promise<Machine | { readonly refused: string }> {
    return this.#process.call(`launch ${node} ${token}`, () => {
      const { random, faults } = this.#process.ground;
      if (random.chance(faults.launchRefused)) return { refused: 'InsufficientInstanceCapacity' };
      const machine = this.#ec2.launch(node, zone, token);
      if (random.chance(faults.answerLost)) throw new TryLater('the answer of a launch was lost');
      return machine;
    });
  }

  list(): Promise<readonly Machine[]> {
    return this.#process.call('list machines', () => this.#ec2.list());
  }

  zones(): Promise<ReadonlyMap<string, Zone>> {
    return this.#process.call('name zones', () => {
      const zones = this.#ec2.all().map(({ zone }) => zone);
      return new Map(zones.map((zone) => [`id-${zone}`, zone]));
    });
  }

  terminate(instance: string): Promise<void> {
    return this.#process.call(`terminate ${instance}`, () => {
      this.#ec2.terminate(instance);
      const { random, faults } = this.#process.ground;
      if (random.chance(faults.answerLost)) throw new TryLater('the answer of an end was lost');
    });
  }
}
