/**
 * What to do when AWS says that a machine or a zone is about to go. A notice is a hint: the answer follows
 * from the fleet as it is now, so that a notice that comes twice, late, or of a stranger changes nothing.
 */

import type { JobId, NodeId, Zone } from './ids.ts';
import type { NodeState } from './lifecycle.ts';
import type { JobKind } from './plan.ts';
import { type EpochMillis, later, type Millis, millis } from './units.ts';

export type Notice =
  /** The machine is taken away two minutes after `at`. */
  | {
      readonly kind: 'spot-interruption';
      readonly instances: readonly string[];
      readonly at: EpochMillis;
    }
  /** It may be taken away soon. */
  | {
      readonly kind: 'rebalance-recommendation';
      readonly instances: readonly string[];
      readonly at: EpochMillis;
    }
  /** It is taken away at `dueAt`; where that is not said, soon. */
  | {
      readonly kind: 'retirement';
      readonly instances: readonly string[];
      readonly at: EpochMillis;
      readonly dueAt?: EpochMillis;
    }
  | {
      readonly kind: 'zone-impaired' | 'zone-recovered';
      readonly zone: Zone;
      readonly at: EpochMillis;
    };

export type ZoneNotice = Extract<Notice, { readonly zone: Zone }>;
export type MachineNotice = Extract<Notice, { readonly instances: readonly string[] }>;

/** From the warning to the end of the machine (EC2 user guide, "Spot Instance interruption notices"). */
export const spotNoticeMs = millis(120_000);

export interface UrgencyNode {
  readonly id: NodeId;
  readonly instance: string;
  readonly state: NodeState;
  /** Moment of the last notice of this kind that was heeded; 0 for none. */
  readonly heardAt: number;
}

/** A job that runs. */
export interface UrgencyJob {
  readonly id: JobId;
  readonly kind: JobKind;
  readonly nodes: readonly string[];
  /** Epoch milliseconds; 0 when it has none. */
  readonly deadline: number;
  readonly priority: number;
  readonly mustLeave: boolean;
}

export interface UrgencyPolicy {
  /** A machine that may be taken away soon shall be empty in so long. */
  readonly softDeadlineMs: number;
}

/** How soon a drain must be done, and how it ranks. */
export interface Haste {
  readonly deadline: EpochMillis;
  readonly priority: number;
  /** The machine goes whatever we do. */
  readonly mustLeave: boolean;
}

export type Ignored =
  | { readonly kind: 'unknown-instance'; readonly instance: string }
  | { readonly kind: 'not-in-service'; readonly node: NodeId; readonly state: NodeState }
  | { readonly kind: 'too-late'; readonly node: NodeId; readonly lateMs: Millis }
  | { readonly kind: 'heard-already'; readonly node: NodeId }
  | { readonly kind: 'already-sooner'; readonly node: NodeId; readonly job: JobId }
  | { readonly kind: 'pause-over'; readonly zone: Zone; readonly lateMs: Millis }
  | { readonly kind: 'unknown-zone'; readonly zone: Zone }
  | { readonly kind: 'said-already'; readonly zone: Zone };

export type Answer =
  /** Together: none of them moves anything onto another. */
  | { readonly kind: 'drain'; readonly nodes: readonly NodeId[]; readonly haste: Haste }
  | { readonly kind: 'hasten'; readonly job: JobId; readonly node: NodeId; readonly haste: Haste }
  | { readonly kind: 'pause-zone'; readonly zone: Zone; readonly until: EpochMillis }
  | { readonly kind: 'resume-zone'; readonly zone: Zone }
  | { readonly kind: 'ignore'; readonly why: Ignored };

/** What a notice of a machine's end asks for. Nodes that several notices name are asked for once. */
export function answerMachines(
  notice: MachineNotice,
  nodes: readonly UrgencyNode[],
  jobs: readonly UrgencyJob[],
  policy: UrgencyPolicy,
  now: EpochMillis,
): readonly Answer[] {
  const haste = hasteOf(notice, policy);
  const answers = [...new Set(notice.instances)].map((instance): Answer => {
    const node = nodes.find((each) => each.instance === instance);
    return node === undefined
      ? ignore({ kind: 'unknown-instance', instance })
      : answerNode(notice, node, jobs, haste, now);
  });
  return together(answers);
}

export const ignore = (why: Ignored): Answer => ({ kind: 'ignore', why });

/** Ranks of what a notice starts, of 10: operators' jobs have 5 by default. */
const priorities: Readonly<Record<MachineNotice['kind'], number>> = {
  'spot-interruption': 10,
  retirement: 8,
  'rebalance-recommendation': 7,
};

function hasteOf(notice: MachineNotice, { softDeadlineMs }: UrgencyPolicy): Haste {
  const soon = later(notice.at, millis(softDeadlineMs));
  const priority = priorities[notice.kind];
  switch (notice.kind) {
    case 'spot-interruption':
      return { deadline: later(notice.at, spotNoticeMs), priority, mustLeave: true };
    case 'retirement':
      return { deadline: notice.dueAt ?? soon, priority, mustLeave: true };
    case 'rebalance-recommendation':
      return { deadline: soon, priority, mustLeave: false };
  }
}

/**
 * A spot warning whose two minutes are over says nothing: the machine is gone, and its heartbeat tells. A
 * retirement that is overdue while its node still serves may happen at any moment.
 */
function answerNode(
  notice: MachineNotice,
  { id: node, state, heardAt }: UrgencyNode,
  jobs: readonly UrgencyJob[],
  haste: Haste,
  now: EpochMillis,
): Answer {
  if (state !== 'active' && state !== 'draining')
    return ignore({ kind: 'not-in-service', node, state });
  const lateMs = millis(now - haste.deadline);
  if (lateMs >= 0 && notice.kind !== 'retirement')
    return ignore({ kind: 'too-late', node, lateMs });
  const job = jobs.find(({ kind, nodes }) => isDrain(kind) && nodes.includes(node));
  const isHeard = notice.at <= heardAt;
  if (job === undefined)
    return isHeard
      ? ignore({ kind: 'heard-already', node })
      : { kind: 'drain', nodes: [node], haste };
  const hastened = isHeard ? undefined : hastenedBy(job, haste);
  return hastened === undefined
    ? ignore({ kind: 'already-sooner', node, job: job.id })
    : { kind: 'hasten', job: job.id, node, haste: hastened };
}

const isDrain = (kind: JobKind): boolean => kind === 'drain' || kind === 'scale-in';

/** Never later, never lower; `undefined` when nothing changes. */
function hastenedBy(job: UrgencyJob, haste: Haste): Haste | undefined {
  const isSooner = job.deadline === 0 || haste.deadline < job.deadline;
  const isHigher = haste.priority > job.priority;
  const isSurer = haste.mustLeave && !job.mustLeave;
  if (!isSooner && !isHigher && !isSurer) return undefined;
  return {
    deadline: isSooner ? haste.deadline : (job.deadline as EpochMillis),
    priority: Math.max(haste.priority, job.priority),
    mustLeave: haste.mustLeave || job.mustLeave,
  };
}

/** One drain for all nodes that one notice names. */
function together(answers: readonly Answer[]): readonly Answer[] {
  const drains = answers.filter((answer) => answer.kind === 'drain');
  const [first] = drains;
  const others = answers.filter((answer) => answer.kind !== 'drain');
  if (first === undefined) return others;
  return [{ ...first, nodes: drains.flatMap(({ nodes }) => nodes) }, ...others];
}
