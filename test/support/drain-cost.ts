import type { BatchRecord } from '../../lib/contract/job-records.ts';
import { nodeKey } from '../../lib/contract/keys.ts';
import { commitFiles } from '../../lib/control/files.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { epochMillis } from '../../lib/core/units.ts';
import type { Store } from '../../lib/sim/store.ts';
import { placeFile, runJob } from '../control/acts.ts';
import { pairs, World } from '../control/world.ts';
import { type Bill, metered } from './metered-tables.ts';

/** What one drain of a node took of each service. */
export interface DrainCost extends Bill {
  readonly moves: number;
  readonly batches: number;
  /** Requests of SQS: sends, receives and deletes. */
  queueCalls: number;
  /** Runs of functions: workflow steps, batches five a run, sweeps. */
  runs: number;
  /** Every AWS call of the control plane, its reads of the policy and starts of workflows included. */
  readonly callsAll: number;
  /** State changes of the workflow: a task, a choice and most often a wait for each step. */
  transitions: number;
  /** Bytes that went from one zone to another. */
  bytesAcrossZones: number;
}

export interface Shape {
  /** Chunks on the node that leaves, at least. */
  readonly chunksMin: number;
  readonly chunkBytes: number;
}

const capacity = 1e15;
const filesAtOnce = 47;
const batchesPerRun = 5;
const transitionsPerStep = 3;
/** Items of about 7 KB (lists, outbox rows) in the megabyte of a page. */
const pageItems = 140;

/**
 * Drains one of six nodes in three zones, with lib/control as it is, on tables that count as DynamoDB bills.
 * Chunks have the given size by their records; their bytes are few, and time passes as steps ask for it.
 */
export async function drainCost({ chunksMin, chunkBytes }: Shape): Promise<DrainCost> {
  const cost = { calls: 0, writeUnits: 0, readUnits: 0, queueCalls: 0, runs: 0, transitions: 0 };
  const world = new World({
    nodes: pairs,
    pageItems,
    policy: { graceMs: 0, autoscaling: false },
    wrap: (ports, store) => meteredPorts(atRate(ports, chunkBytes), store, cost),
  });
  for (const name of Object.keys(pairs)) {
    world.node(name).capacity = capacity;
    const key = nodeKey(nodeId(name));
    world.store.write([{ op: 'update', key, set: { capacity } }]);
  }
  while (world.node('a1').chunks.length < chunksMin) await storeSome(world, chunkBytes);
  Object.assign(cost, { calls: 0, writeUnits: 0, readUnits: 0, queueCalls: 0 });
  const started = await startDrain(world.ports, [nodeId('a1')], []);
  if (started.kind === 'blocked') throw new Error('the drain is blocked');
  const steps: string[] = [];
  await runJob(world, started.job, { before: (step) => void steps.push(step) });
  const batches = [...world.store.items('placement')].filter(
    ({ pk, sk }) => pk === `J#${started.job}` && sk.startsWith('B#'),
  ) as unknown as BatchRecord[];
  const migrations = Math.ceil(batches.length / batchesPerRun);
  cost.runs = steps.length + 1 + migrations + 1;
  cost.queueCalls += 2 * migrations + 2;
  const policyReads = cost.runs;
  const others = 2; // the execution's start, the certificate
  return {
    ...cost,
    moves: batches.reduce((sum, { movesDone }) => sum + movesDone, 0),
    batches: batches.length,
    transitions: transitionsPerStep * (steps.length + 1),
    callsAll: cost.calls + cost.queueCalls + policyReads + others,
    bytesAcrossZones: batches
      .filter(({ to }) => !to.startsWith('a'))
      .reduce((sum, { bytesDone }) => sum + bytesDone, 0),
  };
}

async function storeSome(world: World, chunkBytes: number): Promise<void> {
  const names = Array.from({ length: filesAtOnce }, () => world.ports.newId());
  const placed = await Promise.all(names.map((name) => placeFile(world, name, [name])));
  const sized = placed.map((file) => ({
    ...file,
    size: chunkBytes,
    chunks: file.chunks.map((chunk) => ({ ...chunk, size: chunkBytes })),
  }));
  await commitFiles(world.ports, sized);
}

/**
 * Batches run one after the other here and side by side in truth: the clock of each goes on while it copies,
 * at a fifth of a node's rate, and the world's does not.
 */
function atRate(ports: Ports, chunkBytes: number): Ports {
  const seconds = (chunkBytes / ports.policy.nodeRateBytes) * batchesPerRun;
  const chunkMs = Math.ceil(seconds * 1_000);
  let copyingMs = 0;
  return {
    ...ports,
    now: () => epochMillis(ports.now() + copyingMs),
    nodes: {
      ...ports.nodes,
      pull: async function* (to, sources, chunks, rate) {
        try {
          for await (const event of ports.nodes.pull(to, sources, chunks, rate)) {
            copyingMs += chunkMs;
            yield event;
          }
        } finally {
          copyingMs = 0;
        }
      },
    },
  };
}

const meteredPorts = (ports: Ports, store: Store, cost: Bill & { queueCalls: number }): Ports => ({
  ...ports,
  tables: metered(ports.tables, cost, (key) => store.get(key)),
  queues: {
    send: (urgency, messages) => {
      cost.queueCalls += Math.ceil(messages.length / 10);
      return ports.queues.send(urgency, messages);
    },
    sweep: (nodes, delayMs) => {
      cost.queueCalls++;
      return ports.queues.sweep(nodes, delayMs);
    },
  },
});
