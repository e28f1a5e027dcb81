/** `ballast simulate`: how long a plan takes at given budgets, at what cost, and who waits for what; offline. */
import { readPlan } from '../contract/plan-lines.ts';
import { batchLimits } from '../control/limits.ts';
import { groupMoves } from '../core/batch-moves.ts';
import type { RateBudgets } from '../core/budget.ts';
import { checkPlan } from '../core/check-plan.ts';
import { bytesCrossZone } from '../core/cross-zone.ts';
import { type Misses, missesOf, nodeEnds, type Peaks, peaksOf } from '../core/explain-schedule.ts';
import type { FleetMap } from '../core/fleet-map.ts';
import { batchId, jobId, type NodeId } from '../core/ids.ts';
import {
  batchesInFlightMax,
  batchesInFlightPerNodeMax,
  batchRateMin,
  nodeRateDefault,
} from '../core/limits.ts';
import { costOfMoves } from '../core/move-cost.ts';
import type { Plan } from '../core/plan.ts';
import type { Batch } from '../core/schedule.ts';
import { type Simulation, simulateSchedule } from '../core/simulate-schedule.ts';
import { bytes } from '../core/units.ts';
import type { Violation } from '../core/violation.ts';
import type { Answer } from './context.ts';
import { describeSimulation } from './describe-simulation.ts';
import { exitCodes } from './exit-codes.ts';
import { BadUsage, readNdjson, snapshotOf } from './plan.ts';
import { UserError } from './user-error.ts';

export interface SimulateOptions {
  readonly snapshot: string;
  readonly plan: string;
  /** Bytes per second of a node, in and out each. @default 100 MB/s */
  readonly nodeRate?: number;
  /** Batches in flight in the fleet. @default 500 */
  readonly batches?: number;
  /** Milliseconds from the start in which all should be done. */
  readonly deadline?: number;
}

/** Exit code 1: the plan breaks a promise or misses its deadline. */
export async function simulate(options: SimulateOptions): Promise<Answer> {
  try {
    const budgets = budgetsOf(options);
    const snapshot = await snapshotOf(options.snapshot);
    const { plan, added } = await readNdjson(options.plan, readPlan);
    for (const node of added) snapshot.fleet.addNode({ ...node, state: 'active' });
    const fleet = snapshot.fleet.build();
    const violations = checkPlan(fleet, plan, promisesOf(plan));
    const simulation = simulateSchedule(batchesOf(plan), budgets);
    const report = {
      ...reportOf(fleet, plan, simulation),
      ...deadlineOf(simulation, options.deadline),
      budgets,
      peaks: peaksOf(simulation),
      violations,
    };
    const isGood = violations.length === 0 && (report.deadline?.moves ?? 0) === 0;
    return {
      document: report,
      text: () => describeSimulation(report),
      exitCode: isGood ? exitCodes.ok : exitCodes.failed,
    };
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    throw new UserError(`${error.message}.`, exitCodes.usage);
  }
}

export type SimulationReport = ReturnType<typeof reportOf> & {
  readonly deadline?: Misses & { readonly seconds: number };
  readonly budgets: RateBudgets;
  readonly peaks: Peaks;
  readonly violations: readonly Violation[];
};

function deadlineOf(simulation: Simulation, deadlineMs: number | undefined) {
  if (deadlineMs === undefined) return {};
  const seconds = deadlineMs / 1_000;
  return { deadline: { seconds, ...missesOf(simulation, seconds) } };
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

/** Ends of nodes that the report lists: those that most waits for. */
const waitsListed = 12;

function reportOf(fleet: FleetMap, plan: Plan, simulation: Simulation) {
  const { makespanSeconds, boundSeconds, batches, inFlightMost, bytesOut, bytesIn, flown } =
    simulation;
  const crossing = bytesCrossZone(fleet, plan.moves);
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
    bytesCrossZone: crossing,
    cost: costOfMoves({
      moves: plan.moves.length,
      batches,
      batchSeconds: flown.reduce((sum, each) => sum + each.endedAt - each.startedAt, 0),
      bytesCrossZone: crossing,
    }),
    waits: nodeEnds(simulation).slice(0, waitsListed),
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
