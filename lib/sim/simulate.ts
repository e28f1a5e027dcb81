import type { FileRecord } from '../contract/records.ts';
import type { Redundancy } from '../core/fleet.ts';
import { Clients } from './clients.ts';
import { Disasters } from './disasters.ts';
import { type Faults, stopFaults, swarm } from './faults.ts';
import { found } from './founding.ts';
import { recordOf, type Violation } from './judge.ts';
import type { Mix } from './mix.ts';
import { Operators } from './operators.ts';
import { unfinished } from './quiet.ts';
import { Random } from './random.ts';
import { beginSchedules } from './schedules.ts';
import { Shuffler } from './shuffler.ts';
import { runningJobs } from './sights.ts';
import { Waverers } from './waverers.ts';
import { type Plant, World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** `words` keeps every line of the history: for looking into one seed. @default 'hash' */
  readonly keeping?: 'words' | 'hash';
  readonly plant?: Plant;
}

export interface SimulationReport {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Two runs of one seed have the same. */
  readonly history: string;
  readonly lines: readonly string[];
  /** Moments at which something happened: port calls, messages, disasters. */
  readonly events: number;
  /** Writes and removals that clients were told had happened. */
  readonly acknowledged: number;
  readonly virtualSeconds: number;
}

/** Faults and work go on for so long; then all must come to rest within the bound. */
const hostileMs = [12_000, 36_000] as const;
/** A seed that is busier ends sooner: the next one shows more than its rest. */
const hostileEventsMax = 3_000;
const relieveAfterMs = 20_000;
/** After that. */
const cancelAfterMs = 30_000;
const quietWithinMs = 300_000;
const lookEveryMs = 5_000;

/**
 * Lives through one seed: the real lib/control over in-memory ports, with the faults, the fleet and the
 * work that the seed chooses. The first broken invariant of safety.md §2.2 ends it.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { stackTraceLimit } = Error;
  // Thousands of errors a seed are part of the game: their stacks would cost a tenth of the time.
  Error.stackTraceLimit = 0;
  try {
    return await live(options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function live(options: SimulationOptions): Promise<SimulationReport> {
  const random = new Random(options.seed);
  const { seed, keeping = 'hash', plant = {} } = options;
  const faults: Faults = { ...swarm(random), ...plant.faults };
  const pageItemsMax = random.pick([1, 4, 40, 40]);
  const world = new World({
    seed: random.fork().below(2 ** 32),
    faults,
    pageItemsMax,
    keeping,
    plant,
  });
  const copies = random.pick([1, 2, 3, 3]);
  const disasters = new Disasters(world, copies - 1);
  const share = random.chance(0.4) ? random.between(0.5, 1) : 0;
  const waverers = new Waverers(world, plant.wavering ?? share);
  found(world, disasters, waverers.nodesMin + random.below(3));
  const clients = new Clients(world, random.pick(mixesOf(copies)), 4 + random.below(10));
  world.onFile = (path, item) => clients.fileChanged(path, item && recordOf<FileRecord>(item));
  const shuffler = new Shuffler(world, {
    everyMs: random.logBetween(150, 3_000),
    chunks: random.pick([2, 4, 1_000]),
  });
  const operators = new Operators(world, mixOf(random), shuffler);
  world.policy.autoscaling = random.chance(0.3);
  beginSchedules(world);
  for (const party of [disasters, operators, shuffler, waverers]) party.begin();
  for (let i = 2 + random.below(3); i > 0; i--) clients.begin();
  const { scheduler } = world.ground;
  const hostile = random.between(hostileMs[0], hostileMs[1]);
  await world.run(hostile, () => scheduler.events > hostileEventsMax);
  for (const party of [clients, disasters, operators, shuffler, waverers]) party.stop();
  stopFaults(faults);
  world.policy.autoscaling = false;
  operators.resumeAll();
  await settle(world, operators);
  await readBack(world, clients);
  return reportOf(world, clients, seed);
}

/**
 * How a seed's clients store: copies, shards, or both. A code survives what that many copies survive, and
 * fits the smallest fleet, of four nodes.
 */
function mixesOf(copies: number): readonly (readonly Redundancy[])[] {
  const replicated = { kind: 'replicated', copies } as const;
  const parity = Math.max(1, copies - 1);
  const coded = { kind: 'erasure', data: 4 - parity, parity } as const;
  const narrow = { kind: 'erasure', data: 2, parity } as const;
  return [[replicated], [coded], [replicated, coded, narrow]];
}

/** Most seeds do a few kinds of thing often: what is done seldom is hidden by the rest. */
function mixOf(random: Random): Mix {
  const weight = (most: number) => (random.chance(0.5) ? random.between(0, most) : 0);
  return {
    drain: weight(6),
    cancel: weight(2),
    undrain: weight(3),
    rebalance: weight(1),
    scaleOut: weight(1),
    replay: weight(2),
    alarm: weight(1),
    pause: weight(2),
    cancelBatch: weight(2),
  };
}

/** Jobs that do not end get help, and then are cancelled; where none runs there is nothing to help. */
async function settle(world: World, operators: Operators): Promise<void> {
  const { scheduler } = world.ground;
  const since = scheduler.now;
  let helpedAt = since;
  const measures = [
    { afterMs: relieveAfterMs, take: () => operators.relieve() },
    { afterMs: cancelAfterMs, take: () => operators.cancelAll() },
  ];
  while (world.violation === undefined) {
    await world.run(lookEveryMs);
    const left = unfinished(world);
    if (left.length === 0) return;
    const { now } = scheduler;
    if (now - since > quietWithinMs) {
      world.violate({ invariant: 'I10', message: left.slice(0, 5).join('; ') });
    } else if (
      runningJobs(world.store).length > 0 &&
      now - helpedAt > (measures[0]?.afterMs ?? quietWithinMs)
    ) {
      helpedAt = now;
      measures.shift()?.take();
    }
  }
}

/** Every path, read as a client reads it, is what was acknowledged last. */
async function readBack(world: World, clients: Clients): Promise<void> {
  for (const path of clients.paths()) {
    if (world.violation !== undefined) return;
    let ended = false;
    world.spawn(
      'reader',
      (ports) => clients.read(ports, path),
      (ending) => {
        ended = true;
        if (ending.kind === 'returned') return;
        const why = ending.kind === 'threw' ? String(ending.error) : 'the reader died';
        world.violate({ invariant: 'I1', message: `${path} cannot be read: ${why}` });
      },
    );
    await world.run(60_000, () => ended);
  }
}

const reportOf = (world: World, clients: Clients, seed: number): SimulationReport => ({
  seed,
  violation: world.violation,
  history: world.ground.history.hash,
  lines: world.ground.history.lines,
  events: world.ground.scheduler.events,
  acknowledged: clients.acknowledged,
  virtualSeconds: world.ground.scheduler.now / 1_000,
});
