/** Asks for jobs. */
import type { JobRecord } from '../contract/job-records.ts';
import { jobKey } from '../contract/keys.ts';
import type { NodeClass } from '../core/fleet.ts';
import { type JobId, jobId, type NodeId } from '../core/ids.ts';
import type { Block, JobKind, Plan } from '../core/plan.ts';
import type { Remedy } from '../core/remedy.ts';
import { listJobs, workflowOf } from './jobs.ts';
import { observeDrain, remediesOf } from './observe.ts';
import type { Op, Ports } from './ports.ts';
import type { FoundSlot } from './scrub.ts';
import { writeKnown } from './write-known.ts';

/** What became of a request: a job, or why not. */
export type Started =
  | { readonly kind: 'started'; readonly job: JobId }
  | {
      readonly kind: 'blocked';
      readonly blocks: readonly Block[];
      /** The smallest changes that would let it happen. */
      readonly remedies: readonly Remedy[];
    };

export interface NewJob {
  readonly kind: JobKind;
  readonly nodes?: readonly NodeId[];
  /** Scale-out: nodes to launch, by zone. */
  readonly launch?: Readonly<Record<string, number>>;
  /** What the launched nodes may hold. @default 'mixed' */
  readonly launchClass?: NodeClass;
  /** Repair: slots that do not have their bytes. */
  readonly damaged?: readonly FoundSlot[];
  /** Scale-out: their type. @default what the launch template has */
  readonly launchType?: string;
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
    launchClass: job.launchClass ?? 'mixed',
    damaged: [...(job.damaged ?? [])],
    launchType: job.launchType ?? '',
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
    estimateP50Ms: 0,
    estimateP90Ms: 0,
    moveBoundMs: 0,
    movingSince: 0,
    movedAt: 0,
    undo: false,
    movesRestored: 0,
    bytesRestored: 0,
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
export const previewDrain = async (ports: Ports, nodes: readonly NodeId[]): Promise<Plan> =>
  (await observeDrain(ports, nodes, await listJobs(ports.tables))).plan;

/** When a drain shall be done, and how it ranks among other jobs. */
export type DrainWish = Pick<NewJob, 'deadline' | 'priority'>;

/** Starts a drain unless it is blocked. A deadline that is too near (`answer-drain.ts`) hastens it, no more. */
export async function startDrain(
  ports: Ports,
  nodes: readonly NodeId[],
  reasons: readonly string[],
  wish: DrainWish = {},
): Promise<Started> {
  const view = await observeDrain(ports, nodes, await listJobs(ports.tables));
  const { blocks } = view.plan;
  return blocks.length > 0
    ? { kind: 'blocked', blocks, remedies: remediesOf(ports, view, nodes) }
    : open(ports, { kind: 'drain', nodes, reasons, ...wish });
}

export const startRebalance = (ports: Ports, reasons: readonly string[]): Promise<Started> =>
  open(ports, { kind: 'rebalance', reasons });

export const startRepair = (
  ports: Ports,
  nodes: readonly NodeId[],
  reasons: readonly string[],
  damaged: readonly FoundSlot[] = [],
): Promise<Started> => open(ports, { kind: 'repair', nodes, reasons, damaged });

export const startScaleOut = (
  ports: Ports,
  launch: Readonly<Record<string, number>>,
  reasons: readonly string[],
  launchClass: NodeClass = 'mixed',
  launchType = '',
): Promise<Started> => open(ports, { kind: 'scale-out', launch, launchClass, launchType, reasons });
