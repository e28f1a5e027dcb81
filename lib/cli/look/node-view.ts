import type { NodeWithBeat } from '../../control/fleet.ts';
import { byCodeUnit } from '../../core/ids.ts';
import type { JobView } from './job-view.ts';
import { blocksOf } from './job-words.ts';
import { type PaceView, secondsFor } from './pace-view.ts';

/** A node as people and scripts see it: sizes in bytes, rates in bytes a second, shares of 1. */
export interface NodeInView {
  readonly node: string;
  readonly zone: string;
  readonly class: string;
  readonly state: string;
  /** Rises with each step of its life; commits are fenced by it. */
  readonly epoch: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly fill: number;
  readonly chunks: number;
  readonly connections: number;
  readonly p99Ms: number | null;
  readonly foregroundIn: number;
  readonly foregroundOut: number;
  readonly backgroundIn: number;
  readonly backgroundOut: number;
  readonly diskSuspect: boolean;
  /** Slots on its disk that its scrub found damaged. */
  readonly damaged: number;
  /** Since its scrub had last read every slot; null before it first has. */
  readonly scrubAgeMs: number | null;
  /** The share of its slots that the scrub's pass has read; 1 between two passes. */
  readonly scrubShare: number;
  /** Since the last heartbeat; null before the first. */
  readonly heartbeatAgeMs: number | null;
  readonly instance: string;
  readonly address: string;
  readonly job: string;
  /** Null while no running job takes it away, and until that has a plan. */
  readonly leaving: LeavingView | null;
}

/** How a node's drain gets on. */
export interface LeavingView extends PaceView {
  /** Null while nothing tells. */
  readonly secondsLeft: number | null;
  /** What stands in its way, and what it waits for. */
  readonly blockedBy: readonly string[];
}

/** @param jobs those that run, for what is left on nodes that they take away */
export const viewNodes = (
  fleet: readonly NodeWithBeat[],
  now: number,
  jobs: readonly JobView[] = [],
): readonly NodeInView[] =>
  fleet
    .map((node) => viewNode(node, now, leavingOf(node, jobs)))
    .sort((left, right) => byCodeUnit(left.zone, right.zone) || byCodeUnit(left.node, right.node));

function leavingOf({ id, state }: NodeWithBeat, jobs: readonly JobView[]): LeavingView | null {
  const job = jobs.find(({ nodes, kind }) => isLeaving(kind) && nodes.includes(id));
  if (job === undefined || state !== 'draining') return null;
  const pace = job.leaving[id];
  if (pace === undefined && job.movesPlanned === 0) return null;
  const { bytesLeft, bytesPerSecond } = pace ?? { bytesLeft: 0, bytesPerSecond: 0 };
  const secondsLeft = job.secondsLeft === null ? null : secondsFor({ bytesLeft, bytesPerSecond });
  return { bytesLeft, bytesPerSecond, secondsLeft, blockedBy: blocksOf(job) };
}

const isLeaving = (kind: JobView['kind']): boolean => kind === 'drain' || kind === 'scale-in';

const sinceOf = (at: number, now: number): number => Math.max(0, now - at);

function viewNode(
  { beat, ...node }: NodeWithBeat,
  now: number,
  leaving: LeavingView | null,
): NodeInView {
  const usedBytes = beat?.usedBytes ?? 0;
  return {
    node: node.id,
    zone: node.zone,
    class: node.class,
    state: node.state,
    epoch: node.epoch,
    capacityBytes: node.capacity,
    usedBytes,
    fill: node.capacity > 0 ? usedBytes / node.capacity : 0,
    chunks: beat?.chunks ?? 0,
    connections: beat?.connections ?? 0,
    p99Ms: beat?.p99Ms ?? null,
    foregroundIn: beat?.foregroundIn ?? 0,
    foregroundOut: beat?.foregroundOut ?? 0,
    backgroundIn: beat?.backgroundIn ?? 0,
    backgroundOut: beat?.backgroundOut ?? 0,
    diskSuspect: beat?.diskSuspect ?? false,
    damaged: beat?.damaged ?? 0,
    scrubAgeMs: beat === undefined || beat.scrubbedAt === 0 ? null : sinceOf(beat.scrubbedAt, now),
    scrubShare: beat?.scrubShare ?? 0,
    heartbeatAgeMs: beat === undefined ? null : sinceOf(beat.at, now),
    instance: node.instance,
    address: node.address,
    job: node.job,
    leaving,
  };
}
