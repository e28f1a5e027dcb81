/** `ballast simulate`: how long a plan takes at given budgets, offline. */
import { readPlan } from '../contract/plan-lines.ts';
import { batchLimits } from '../control/limits.ts';
import { groupMoves } from '../core/batch-moves.ts';
import type { RateBudgets } from '../core/budget.ts';
import { checkPlan } from '../core/check-plan.ts';
import type { FleetMap } from '../core/fleet-map.ts';
import { batchId, jobId, type NodeId } from '../core/ids.ts';
import {
  batchesInFlightMax,
  batchesInFlightPerNodeMax,
  batchRateMin,
  nodeRateDefault,
} from '../core/limits.ts';
import type { Plan } from '../core/plan.ts';
import type { Batch } from '../core/schedule.ts';
import { type Simulation, simulateSchedule } from '../core/simulate-schedule.ts';
import { bytes } from '../core/units.ts';
import { BadUsage, readNdjson, type Streams, snapshotOf } from './plan.ts';

export interface SimulateOptions {
  readonly snapshot: string;
  readonly plan: string;
  /** Bytes per second of a node, in and out each. @default 100 MB/s */
  readonly nodeRate?: number;
  /** Batches in flight in the fleet. @default 500 */
  readonly batches?: number;
}

/** Prints one JSON document. Exit code 1: the plan breaks a promise; 2: bad usage or input. */
export async function runSimulate(options: SimulateOptions, streams: Streams): Promise<0 | 1 | 2> {
  try {
    const budgets = budgetsOf(options);
    const snapshot = await snapshotOf(options.snapshot);
    const { plan, added } = await readNdjson(options.plan, readPlan);
    for (const node of added) snapshot.fleet.addNode({ ...node, state: 'active' });
    const fleet = snapshot.fleet.build();
    const violations = checkPlan(fleet, plan, promisesOf(plan));
    const simulation = simulateSchedule(batchesOf(plan), budgets);
    const report = { ...reportOf(fleet, plan, simulation), budgets, violations };
    streams.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    return violations.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    streams.stderr.write(`ballast: ${error.message}.\n`);
    return 2;
  }
}

function budgetsOf({ nodeRate, batches }: SimulateOptions): RateBudgets {
  const budgets = {
    nodeBatchesMax: batchesInFlightPerNodeMax,
    fleetBatchesMax: batches ?? batchesInFlightMax,
    nodeRateBytes: nodeRate ?? nodeRateDefault,
    batchRateBytes: batchRateMin,
  };
  for (const [name, value] of Object.entries(budgets)) {
    if (!(value >= 1)) throw new BadUsage(`${name} is ${value}, expected a number from 1`);
  }
  return budgets;
}

/** The nodes that a drain's plan empties are those that its moves leave. */
const promisesOf = ({ job, moves }: Plan) => {
  const sources = [...new Set(moves.map(({ from }) => from))];
  if (job === 'drain' || job === 'scale-in') return { leaving: sources };
  return job === 'repair' ? { lost: sources } : {};
};

const batchesOf = ({ job, moves }: Plan): Batch[] =>
  groupMoves(moves, { ...batchLimits, isLost: job === 'repair' }).map((group, number) => ({
    id: batchId(String(number).padStart(9, '0')),
    job: jobId(job),
    urgency: 'normal',
    from: group.from,
    to: group.to,
    bytes: bytes(group.bytes),
    moves: group.moves.length,
    isLost: job === 'repair',
  }));

function reportOf(fleet: FleetMap, plan: Plan, simulation: Simulation) {
  const { makespanSeconds, boundSeconds, batches, inFlightMost, bytesOut, bytesIn } = simulation;
  const after = new Map<NodeId, number>(fleet.nodes.map(({ id }, at) => [id, fleet.used[at]!]));
  for (const [node, sum] of bytesOut) after.set(node, (after.get(node) ?? 0) - sum);
  for (const [node, sum] of bytesIn) after.set(node, (after.get(node) ?? 0) + sum);
  return {
    job: plan.job,
    movesTotal: plan.moves.length,
    bytesTotal: plan.bytesTotal,
    bytesMinimum: plan.bytesMinimum,
    makespanSeconds,
    makespanBoundSeconds: boundSeconds,
    makespanOverBound: boundSeconds > 0 ? makespanSeconds / boundSeconds : 1,
    batches,
    inFlightMost,
    nodes: fleet.nodes.map(({ id, zone, capacity }, at) => ({
      node: id,
      zone,
      bytesOut: bytesOut.get(id) ?? 0,
      bytesIn: bytesIn.get(id) ?? 0,
      fillBefore: fleet.used[at]! / capacity,
      fillAfter: after.get(id)! / capacity,
    })),
  };
}
