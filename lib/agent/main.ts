import { mkdir } from 'node:fs/promises';
import { verifyingKey } from '../contract/capability.ts';
import { ThrottleRecord } from '../contract/policy.ts';
import { Heat } from '../core/heat.ts';
import { Authority } from './authority.ts';
import { Background } from './background.ts';
import { Heartbeat } from './heartbeat.ts';
import { type Log, logTo } from './log.ts';
import { MachineLoad } from './machine-load.ts';
import { type Machine, readMachine } from './metadata.ts';
import { Scrubber } from './scrubber.ts';
import { AgentServer } from './server.ts';
import { type AgentSettings, capacityOf, parseSettings } from './settings.ts';
import { type StorageNode, statsOf } from './storage-node.ts';
import { Store } from './store.ts';
import { ToldPolicy } from './told-policy.ts';
import { Traffic } from './traffic.ts';

const adaptMs = 1_000;

export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly write: (line: string) => unknown;
  /** Epoch milliseconds. */
  readonly wallClock: () => number;
  /** Milliseconds that never run backwards. */
  readonly monotonic: () => number;
}

/** A node agent that runs; `stop` ends it in good order. */
export interface RunningAgent {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/**
 * Starts the agent of this machine.
 * @throws WrongSettings, UnusableDirectory, JournalDamaged, and what metadata or the network answer
 */
export async function startAgent(surroundings: Surroundings): Promise<RunningAgent> {
  const { environment, write, wallClock } = surroundings;
  const log = logTo(write, wallClock);
  const settings = parseSettings(environment);
  const machine = await readMachine(environment.AWS_EC2_METADATA_SERVICE_ENDPOINT);
  if (machine.fleet !== settings.fleet)
    log('fleet-differs', { tag: machine.fleet, setting: settings.fleet });
  const server = new AgentServer(log);
  const port = await server.listen(machine.address, settings.port);
  try {
    const node = await makeNode(settings, machine, surroundings, log);
    const ending = beat(node, { ...settings, port }, surroundings, log);
    server.serve(node);
    log('started', { node: node.node, port, chunks: node.store.chunks });
    const stop = async () => {
      log('stopping');
      ending();
      await Promise.all([server.stop(), node.scrubber.stop()]);
      await node.store.close();
    };
    return { port, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function makeNode(
  settings: AgentSettings,
  machine: Machine,
  { wallClock, monotonic }: Surroundings,
  log: Log,
): Promise<StorageNode> {
  const { node, instance, zone } = machine;
  const authority = new Authority(verifyingKey(machine.capabilityKey), node, wallClock);
  const { directory } = settings;
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const capacityBytes = await capacityOf(settings.capacity, directory, machine.capacityBytes);
  const parts = {
    store: await Store.open({ directory, capacityBytes, now: monotonic, log }),
    background: new Background(settings.backgroundRate, ThrottleRecord.parse({}), monotonic),
    traffic: new Traffic(monotonic),
    log,
    now: monotonic,
  };
  const scrubber = new Scrubber({ ...parts, directory, wallClock });
  return { node, instance, zone, authority, heat: new Heat(), scrubber, ...parts };
}

/** Heartbeats, the controller of the background rate, what is wished of it, and the scrub. @returns what ends the first three */
function beat(
  node: StorageNode,
  { fleet, heartbeatsTable, port, heartbeatMs }: AgentSettings,
  { wallClock }: Surroundings,
  log: Log,
): () => void {
  const load = new MachineLoad();
  const adapt = async () =>
    node.background.adapt({ load: await load.sample(), ...node.traffic.take() });
  void adapt();
  const timer = setInterval(() => void adapt(), adaptMs);
  const heartbeat = new Heartbeat({
    fleet,
    table: heartbeatsTable,
    port,
    everyMs: heartbeatMs,
    stats: () => statsOf(node),
    log,
    now: wallClock,
  });
  void heartbeat.run();
  const wish = new ToldPolicy({
    table: heartbeatsTable,
    told: (policy) => {
      node.background.policy = policy;
      node.scrubber.days = policy.scrubDays;
    },
    log,
  });
  void wish.run();
  node.scrubber.start();
  return () => {
    clearInterval(timer);
    heartbeat.stop();
    wish.stop();
  };
}
