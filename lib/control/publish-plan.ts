import type { MoveRecord } from '../contract/job-records.ts';
import { batchIdOf, batchKey, movesKey, pendingKey, spread } from '../contract/keys.ts';
import { groupMoves, type MoveGroup } from '../core/batch-moves.ts';
import { boundMsOf } from '../core/estimate.ts';
import type { Evacuation } from '../core/evacuate.ts';
import type { FleetMap } from '../core/fleet-map.ts';
import type { BatchId, JobId } from '../core/ids.ts';
import { inRounds } from '../core/in-rounds.ts';
import type { JobKind, Move, Plan } from '../core/plan.ts';
import type { Urgency } from '../core/schedule.ts';
import { heatOfChunk } from '../core/slot-heat.ts';
import { changeJob, type Job, type JobChanges } from './jobs.ts';
import { batchLimits, tombstoneSeconds } from './limits.ts';
import type { Ports } from './ports.ts';

/** Of a job whose plan is being carried out. */
export const movingPhase = 'moving';

const urgencyOf: Readonly<Record<JobKind, Urgency>> = {
  repair: 'critical',
  drain: 'normal',
  'scale-in': 'normal',
  'scale-out': 'low',
  rebalance: 'low',
};

export type JobMoves = Plan & Partial<Pick<Evacuation, 'endangered'>>;
/** With the map that it was made over. */
export type JobPlan = JobMoves & { readonly map: FleetMap };

/** Nothing of the plan that still waits is sent; once what flies has ended the job is planned anew. */
export const dropPlan = (ports: Ports, job: Job): Promise<'changed' | 'stale'> =>
  changeJob(ports, job, { generation: job.generation + 1, attempt: ports.newId() });

/** Writes the plan's batches, then names them in the job: only then may they be sent. */
export async function publishPlan(
  ports: Ports,
  job: Job,
  plan: JobPlan,
  account: JobChanges,
): Promise<void> {
  const attempt = ports.newId();
  const batches = inRounds(plan.moves, spread).flatMap((moves, round) =>
    batchesOf(job.kind, plan, moves).map((batch) => ({ ...batch, round })),
  );
  const plannedAt = ports.now();
  const expiresAt = Math.floor(plannedAt / 1000) + tombstoneSeconds;
  await ports.tables.writeEach(
    batches.flatMap((batch, i) =>
      batchOps(
        job.id,
        batchIdOf(attempt, i),
        { expiresAt, plannedAt },
        batch,
        heatOfMoves(plan.map, batch.moves),
      ),
    ),
  );
  const outcome = await changeJob(ports, job, {
    ...account,
    generation: job.generation + 1,
    attempt,
    phase: movingPhase,
    ...(job.movingSince === 0 && {
      movingSince: ports.now(),
      moveBoundMs: Math.round(boundMsOf(plan.moves, [], ports.policy)),
    }),
  });
  const { length } = plan.moves;
  ports.log('planned', { job: job.id, moves: length, batches: batches.length, outcome });
}

interface Planned extends MoveGroup {
  readonly urgency: Urgency;
}

interface PlannedInRound extends Planned {
  readonly round: number;
}

/** Chunks that an evacuation finds in danger go in batches of their own, before all others. */
function batchesOf(
  kind: JobKind,
  { endangered }: JobPlan,
  moves: readonly Move[],
): readonly Planned[] {
  const grouped = (urgency: Urgency, some: readonly Move[]): readonly Planned[] =>
    groupMoves(some, { ...batchLimits, isLost: kind === 'repair' }).map((group) => ({
      ...group,
      urgency,
    }));
  const isInDanger = ({ chunk }: Move): boolean => endangered?.has(chunk) === true;
  return [
    ...grouped('critical', moves.filter(isInDanger)),
    ...grouped(
      urgencyOf[kind],
      moves.filter((move) => !isInDanger(move)),
    ),
  ];
}

const heatOfMoves = (map: FleetMap, moves: readonly Move[]): number =>
  moves.reduce((sum, { chunk }) => sum + heatOfChunk(map, chunk), 0);

function batchOps(
  job: JobId,
  id: BatchId,
  all: { readonly expiresAt: number; readonly plannedAt: number },
  group: PlannedInRound,
  heat: number,
) {
  const { urgency, round } = group;
  const ends = { ...all, urgency, from: group.from, to: group.to, bytes: group.bytes };
  const moves = group.moves.map(
    ({ chunk, slot, bytes: held }): MoveRecord => ({ chunk, slot, bytes: held }),
  );
  const batch = {
    ...ends,
    state: 'planned',
    movesDone: 0,
    bytesDone: 0,
    movesRetried: 0,
    failures: [],
  };
  return [
    { op: 'put', key: movesKey(job, id), fields: { moves, expiresAt: all.expiresAt } },
    { op: 'put', key: batchKey(job, id), fields: batch },
    {
      op: 'put',
      key: pendingKey(job, id),
      fields: { ...ends, moves: group.moves.length, heat, round },
    },
  ] as const;
}
