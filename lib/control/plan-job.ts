import { BatchRecord, FlightRecord } from '../contract/job-records.ts';
import {
  batchOfKey,
  batchPartition,
  flightPartition,
  flightPrefix,
  pendingPrefixOf,
} from '../contract/keys.ts';
import type { StepResult, Verdicts } from '../contract/messages.ts';
import type { Policy } from '../contract/policy.ts';
import { planDrain } from '../core/drain.ts';
import { planEvacuation } from '../core/evacuate.ts';
import { explainBlock } from '../core/explain-block.ts';
import type { FleetMap } from '../core/fleet-map.ts';
import { chunkId, type JobId, type NodeId, nodeId } from '../core/ids.ts';
import type { NodeState } from '../core/lifecycle.ts';
import type { JobKind, Plan } from '../core/plan.ts';
import { planRebalance } from '../core/rebalance.ts';
import { planRepair } from '../core/repair.ts';
import { bytes } from '../core/units.ts';
import { type NodeView, type NodeWithBeat, readFleet } from './fleet.ts';
import { type HeatByChunk, isLevelling, readHeat, usesHeat } from './heat.ts';
import { changeJob, type Job, type JobChanges, listJobs } from './jobs.ts';
import { mapOf, withLeaving } from './observe.ts';
import { queryAll } from './pages.ts';
import type { Ports } from './ports.ts';
import { type JobMoves, type JobPlan, movingPhase, publishPlan } from './publish-plan.ts';
import { damagedOf, stillDamaged } from './scrub.ts';

/**
 * A blocked job looks again after so long: seldom enough that waiting for weeks stays under the 25,000 events
 * that an execution may have.
 */
const blockedWaitSeconds = 60;
/** After a plan of which no move succeeded: a node's restart takes about so long. */
const againWaitSeconds = 5;
const movedPhase = 'moved';
/** Reasons that a job shows. */
const reasonsKept = 8;

/**
 * Plans what is left of a job, from the placement as it is now, and publishes the plan's batches by naming
 * them in the job. Killed before that, they are never sent. While earlier batches are under way it plans
 * nothing. A chunk of which several slots move has one of them in each round of the plan.
 */
export async function planJob(ports: Ports, id: JobId): Promise<StepResult<Verdicts['plan']>> {
  const jobs = await listJobs(ports.tables);
  const job = jobs.find((each) => each.id === id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  if (await isUnderWay(ports, job)) return { verdict: 'moves', waitSeconds: 1 };
  const { totals, voided } = await totalsOf(ports, job);
  if (isAllDone(job, totals, voided)) return nothingToMove(ports, job, totals);
  if (cameToNothing(job, totals)) {
    await changeJob(ports, job, { ...totals, phase: 'no move succeeded, trying again' });
    return { verdict: 'blocked', waitSeconds: againWaitSeconds };
  }
  const damaged = await stillDamaged(ports, damagedOf(job));
  const plan = await planNow(ports, { ...job, damaged: [...damaged] }, jobs);
  if (plan.moves.length > 0) {
    const account = { ...accountOf(job, totals, plan), damaged: [...damaged] };
    await publishPlan(ports, job, plan, account);
    return { verdict: 'moves', waitSeconds: 0 };
  }
  if (plan.blocks.length === 0) return nothingToMove(ports, job, totals);
  const reasons = plan.blocks.slice(0, reasonsKept).map(explainBlock);
  ports.log('job-blocked', { job: job.id, reasons });
  await changeJob(ports, job, { ...totals, phase: 'blocked', reasons });
  return { verdict: 'blocked', waitSeconds: blockedWaitSeconds };
}

async function nothingToMove(
  ports: Ports,
  job: Job,
  totals: JobChanges,
): Promise<StepResult<Verdicts['plan']>> {
  await changeJob(ports, job, {
    ...accountOf(job, totals, nothingLeft(job.kind)),
    phase: movedPhase,
    ...(job.movingSince > 0 && { movedAt: ports.now() }),
  });
  return { verdict: 'none', waitSeconds: 0 };
}

/** What is done and what the plan adds: moves of earlier plans that nobody wants any more count no longer. */
function accountOf(job: Job, totals: JobChanges, plan: Plan): JobChanges {
  const done = totals.bytesDone ?? 0;
  const givenUp = isDrain(job) ? 0 : (totals.movesCancelled ?? 0);
  return {
    ...totals,
    movesPlanned: (totals.movesDone ?? 0) + givenUp + plan.moves.length,
    bytesPlanned: done + plan.bytesTotal,
    bytesMinimum: Math.min(done, job.bytesMinimum) + plan.bytesMinimum,
  };
}

/**
 * Every move of the plan was committed, or was void, so planning again would find nothing. Only right
 * after the moves: a drain whose proof found something left is looked at anew. A repair may
 * have left slots out that nothing could take or rebuild.
 */
const isAllDone = (job: Job, totals: JobChanges, voided: number): boolean =>
  job.kind !== 'repair' &&
  job.phase === movingPhase &&
  job.attempt !== '' &&
  totals.movesDone! + voided + (isDrain(job) ? 0 : totals.movesCancelled!) === job.movesPlanned;

/** A node leaves only empty, so moves of a drain that were given up are planned again. */
const isDrain = ({ kind }: Job): boolean => kind === 'drain' || kind === 'scale-in';

/** Not one move of the plan was committed: what hinders them, a node that restarts say, needs a while. */
const cameToNothing = (job: Job, totals: JobChanges): boolean =>
  job.phase === movingPhase && job.attempt !== '' && totals.movesDone === job.movesDone;

async function isUnderWay(ports: Ports, job: Job): Promise<boolean> {
  if (job.attempt === '') return false;
  const prefix = pendingPrefixOf(job.attempt);
  const pending = await ports.tables.query('placement', batchPartition(job.id), { prefix });
  if (pending.items.length > 0 || pending.next !== undefined) return true;
  const flights = await queryAll(ports.tables, 'placement', flightPartition, flightPrefix);
  return flights.some((item) => FlightRecord.parse(item).job === job.id);
}

interface Totals {
  readonly totals: JobChanges;
  /** Moves of the last plan that nobody wanted any more. */
  readonly voided: number;
}

/** What the batches of all plans so far got done. */
async function totalsOf(ports: Ports, job: Job): Promise<Totals> {
  if (job.attempt === '') return { totals: {}, voided: 0 };
  const items = await queryAll(ports.tables, 'placement', batchPartition(job.id), 'B#');
  const batches = items.map((item) => ({ ...BatchRecord.parse(item), id: batchOfKey(item.sk) }));
  type Batch = (typeof batches)[number];
  const sum = (of: (batch: Batch) => number) => batches.reduce((n, batch) => n + of(batch), 0);
  const totals = {
    movesDone: sum(({ movesDone }) => movesDone),
    bytesDone: sum(({ bytesDone }) => bytesDone),
    movesRetried: sum(({ movesRetried }) => movesRetried),
    movesCancelled: sum(({ movesCancelled }) => movesCancelled),
  };
  const isOfPlan = ({ id }: Batch) => id.startsWith(job.attempt);
  return { totals, voided: sum((batch) => (isOfPlan(batch) ? batch.movesVoid : 0)) };
}

/** No move goes to a node that another drain is about to take, unless there is no other way. */
async function planNow(ports: Ports, job: Job, jobs: readonly Job[]): Promise<JobPlan> {
  const fleet = await readFleet(ports.tables);
  const others = jobs.filter(({ id, state }) => id !== job.id && state === 'running');
  const heat = usesHeat(job, ports.policy) ? await readHeat(ports, fleet) : new Map();
  const plan = await planOver(ports, job, withLeaving(fleet, others), heat);
  const isWay = plan.blocks.length === 0 || others.length === 0;
  return isWay ? plan : planOver(ports, job, fleet, heat);
}

async function planOver(
  ports: Ports,
  job: Job,
  fleet: readonly NodeWithBeat[],
  heat: HeatByChunk,
): Promise<JobPlan> {
  const active = fleet.filter(({ state }) => state === 'active').map(({ id }) => id);
  const nodes = isLevelling(job) ? active : job.nodes.map(nodeId);
  const damaged = job.damaged.map(({ chunk }) => chunkId(chunk));
  const map = await mapOf(ports, fleet, nodes, heat, damaged);
  return { ...movesOver(map, ports.policy, job, fleet), map };
}

function movesOver(
  map: FleetMap,
  { fillHard, placement, rebalanceBand, heatAware }: Policy,
  job: Job,
  fleet: readonly NodeWithBeat[],
): JobMoves {
  const policy = { fillHard, placement, job: job.kind };
  if (isLevelling(job)) return planRebalance(map, { ...policy, rebalanceBand, heatAware });
  if (job.kind === 'repair') {
    const dead = holding(map, inState(fleet, job, 'dead'));
    return planRepair(map, dead, policy, damagedOf(job));
  }
  const leaving = holding(map, inState(fleet, job, 'draining'));
  if (job.mustLeave) return planEvacuation(map, leaving, policy);
  return leaving.length > 0 ? planDrain(map, leaving, policy) : nothingLeft(job.kind);
}

const nothingLeft = (job: JobKind): Plan => ({
  job,
  moves: [],
  bytesTotal: bytes(0),
  bytesMinimum: bytes(0),
  blocks: [],
});

const inState = (fleet: readonly NodeView[], job: Job, state: NodeState): readonly NodeId[] =>
  fleet.filter((node) => job.nodes.includes(node.id) && node.state === state).map(({ id }) => id);

/** Those of `nodes` that the placement still names. */
function holding(map: FleetMap, nodes: readonly NodeId[]): readonly NodeId[] {
  const holders = new Set(map.holders);
  return nodes.filter((node) => holders.has(map.nodeIndex.get(node)!));
}
