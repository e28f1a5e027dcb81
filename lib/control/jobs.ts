import type { NewEvent } from '../contract/events.ts';
import {
  batchOfKey,
  flightPartition,
  flightPrefix,
  jobKey,
  jobOfKey,
  jobPartition,
} from '../contract/keys.ts';
import { FlightRecord, JobRecord } from '../contract/records.ts';
import { type BatchId, type JobId, jobId, type NodeId } from '../core/ids.ts';
import type { NodeState } from '../core/lifecycle.ts';
import type { Block, JobKind, Plan } from '../core/plan.ts';
import { eventOp } from './events.ts';
import { type NodeView, readNodes, stepNode } from './fleet.ts';
import { tombstoneSeconds } from './limits.ts';
import { observeDrain } from './observe.ts';
import { queryAll } from './pages.ts';
import type { Op, Ports, Tables, WorkflowName } from './ports.ts';
import { writeKnown } from './write-known.ts';

export interface Job extends JobRecord {
  readonly id: JobId;
}

/** What became of a request: a job, or why not. */
export type Started =
  | { readonly kind: 'started'; readonly job: JobId }
  | { readonly kind: 'blocked'; readonly blocks: readonly Block[] };

export async function readJob(tables: Tables, job: JobId): Promise<Job | undefined> {
  const [item] = await tables.get([jobKey(job)]);
  return item === undefined ? undefined : { ...JobRecord.parse(item), id: job };
}

/** Every job that is remembered, oldest first. */
export async function listJobs(tables: Tables): Promise<readonly Job[]> {
  const items = await queryAll(tables, 'placement', jobPartition);
  return items.map((item) => ({ ...JobRecord.parse(item), id: jobOfKey(item.sk) }));
}

export interface FlightView extends FlightRecord {
  readonly batch: BatchId;
}

export async function listFlights(tables: Tables): Promise<readonly FlightView[]> {
  const items = await queryAll(tables, 'placement', flightPartition, flightPrefix);
  return items.map((item) => ({ ...FlightRecord.parse(item), batch: batchOfKey(item.sk) }));
}

export const workflowOf = (kind: JobKind): WorkflowName => (kind === 'scale-in' ? 'drain' : kind);

export interface NewJob {
  readonly kind: JobKind;
  readonly nodes?: readonly NodeId[];
  /** Scale-out: nodes to launch, by zone. */
  readonly launch?: Readonly<Record<string, number>>;
  readonly reasons: readonly string[];
  /** Epoch milliseconds. @default none */
  readonly deadline?: number;
  /** 1 to 10, the higher the sooner. @default 5 */
  readonly priority?: number;
  /** Drain: the machines will be taken away, so that blocks do not keep it from beginning. @default false */
  readonly mustLeave?: boolean;
}

const priorityDefault = 5;

/** The op that opens a job; its execution starts after it is written. */
export function openJobOp(id: JobId, job: NewJob, now: number): Op {
  const fields: JobRecord = {
    kind: job.kind,
    state: 'running',
    nodes: [...(job.nodes ?? [])],
    launch: { ...job.launch },
    generation: 0,
    attempt: '',
    phase: 'starting',
    reasons: [...job.reasons],
    movesPlanned: 0,
    bytesPlanned: 0,
    bytesMinimum: 0,
    movesDone: 0,
    bytesDone: 0,
    movesRetried: 0,
    movesFailed: 0,
    movesCancelled: 0,
    deadline: job.deadline ?? 0,
    priority: job.priority ?? priorityDefault,
    paused: false,
    pausedAt: 0,
    mustLeave: job.mustLeave ?? false,
    startedAt: now,
    endedAt: 0,
    lastOp: id,
  };
  return { op: 'put', key: jobKey(id), fields, when: 'absent' };
}

/** Opens a job and starts its execution. Killed in between, the watch starts it. */
async function open(ports: Ports, job: NewJob): Promise<Started> {
  const id = jobId(ports.newId());
  await writeKnown(ports.tables, [openJobOp(id, job, ports.now())], id);
  await ports.workflows.start(workflowOf(job.kind), id);
  return { kind: 'started', job: id };
}

/** What draining these nodes together would move, and what stands against it. Moves nothing. */
export async function previewDrain(ports: Ports, nodes: readonly NodeId[]): Promise<Plan> {
  return (await observeDrain(ports, nodes)).plan;
}

/** When a drain shall be done, and how it ranks among other jobs. */
export type DrainWish = Pick<NewJob, 'deadline' | 'priority'>;

export async function startDrain(
  ports: Ports,
  nodes: readonly NodeId[],
  reasons: readonly string[],
  wish: DrainWish = {},
): Promise<Started> {
  const { blocks } = await previewDrain(ports, nodes);
  return blocks.length > 0
    ? { kind: 'blocked', blocks }
    : open(ports, { kind: 'drain', nodes, reasons, ...wish });
}

export const startRebalance = (ports: Ports, reasons: readonly string[]): Promise<Started> =>
  open(ports, { kind: 'rebalance', reasons });

export const startRepair = (
  ports: Ports,
  nodes: readonly NodeId[],
  reasons: readonly string[],
): Promise<Started> => open(ports, { kind: 'repair', nodes, reasons });

export const startScaleOut = (
  ports: Ports,
  launch: Readonly<Record<string, number>>,
  reasons: readonly string[],
): Promise<Started> => open(ports, { kind: 'scale-out', launch, reasons });

export type JobChanges = Partial<
  Pick<JobRecord, 'state' | 'phase' | 'reasons' | 'generation' | 'attempt' | 'endedAt' | 'nodes'>
> &
  Partial<
    Pick<
      JobRecord,
      | 'movesPlanned'
      | 'bytesPlanned'
      | 'bytesMinimum'
      | 'movesDone'
      | 'bytesDone'
      | 'movesRetried'
      | 'movesFailed'
      | 'movesCancelled'
    >
  >;

/** Changes a job that is still running, under the generation that was read. */
export async function changeJob(
  ports: Ports,
  job: Job,
  changes: JobChanges,
): Promise<'changed' | 'stale'> {
  const operation = ports.newId();
  const outcome = await writeKnown(
    ports.tables,
    [
      {
        op: 'update',
        key: jobKey(job.id),
        set: { ...changes, lastOp: operation },
        when: { state: 'running', generation: job.generation },
      },
      ...(isNewlyBlocked(job, changes)
        ? [eventOp(operation, blockOf({ ...job, ...changes }), ports.now())]
        : []),
    ],
    operation,
  );
  return outcome === 'committed' ? 'changed' : 'stale';
}

const blockedPhase = 'blocked';

const isNewlyBlocked = (job: Job, { phase }: JobChanges): boolean =>
  phase === blockedPhase && job.phase !== blockedPhase;

const blockOf = ({ id, kind, nodes, reasons }: Job): NewEvent => ({
  type: 'Job Blocked',
  detail: { job: id, kind, nodes, reasons },
});

/** Says what the job does now, when that is news. */
export async function tellPhase(ports: Ports, job: Job, phase: string): Promise<void> {
  if (job.phase !== phase) await changeJob(ports, job, { phase });
}

/** Ends a job once: the first end counts. */
export async function endJob(
  ports: Ports,
  job: Job,
  state: Exclude<JobRecord['state'], 'running'>,
  changes: JobChanges = {},
): Promise<void> {
  const operation = ports.newId();
  const now = ports.now();
  const expiresAt = Math.floor(now / 1000) + tombstoneSeconds;
  const ended = { ...changes, state, phase: state, endedAt: now, expiresAt, lastOp: operation };
  await writeKnown(
    ports.tables,
    [
      { op: 'update', key: jobKey(job.id), set: ended, when: { state: 'running' } },
      eventOp(operation, endOf({ ...job, ...changes }, state), now),
    ],
    operation,
  );
}

const endOf = (job: Job, state: Exclude<JobRecord['state'], 'running'>): NewEvent => {
  const { id, kind, nodes, movesPlanned, movesDone, movesFailed, bytesDone } = job;
  const { startedAt, deadline, reasons } = job;
  const totals = { movesPlanned, movesDone, movesFailed, bytesDone };
  return {
    type: 'Job Ended',
    detail: { job: id, kind, state, nodes, ...totals, startedAt, deadline, reasons },
  };
};

/** Cancels a job: its steps see it and give its nodes back. @returns whether it was running */
export async function cancelJob(ports: Ports, job: JobId): Promise<boolean> {
  const found = await readJob(ports.tables, job);
  if (found?.state !== 'running') return false;
  await endJob(ports, found, 'cancelled');
  return true;
}

/**
 * Gives a node back: its drain is cancelled and it takes copies again. What moved stays where it is.
 *
 * @returns `undrained`, or the state that it is in if that is not `draining`
 */
export async function undrain(
  ports: Ports,
  node: NodeId,
): Promise<'undrained' | 'unknown' | Exclude<NodeState, 'draining'>> {
  const found = await findNode(ports, node);
  if (found === undefined) return 'unknown';
  if (found.state !== 'draining') return found.state;
  await cancelJob(ports, jobId(found.job));
  if ((await stepNode(ports, found, 'active', found.job)) === 'stepped') return 'undrained';
  // Others stepped it meanwhile: the cancelled job gave it back, or its proof came first.
  const now = await findNode(ports, node);
  if (now === undefined) return 'unknown';
  return now.state === 'active' || now.state === 'draining' ? 'undrained' : now.state;
}

const findNode = async (ports: Ports, node: NodeId): Promise<NodeView | undefined> =>
  (await readNodes(ports.tables)).find(({ id }) => id === node);
