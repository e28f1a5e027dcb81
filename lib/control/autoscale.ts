import type { NewEvent } from '../contract/events.ts';
import { scalingKey } from '../contract/keys.ts';
import type { ScalingRecord } from '../contract/records.ts';
import { decideScale, type ScaleDecision, zoneUses } from '../core/decide-scale.ts';
import { jobId } from '../core/ids.ts';
import { trialOn } from '../core/scale-in-trial.ts';
import { explainReason } from '../core/scale-reason.ts';
import { eventOp } from './events.ts';
import { historyOp, readOutlooks, recordedZones } from './history.ts';
import { workflowOf } from './jobs.ts';
import { mapOf } from './observe.ts';
import type { Op, Ports } from './ports.ts';
import { type Look, lookAt, since } from './scaling-look.ts';
import { type NewJob, openJobOp } from './start-job.ts';
import { writeKnown } from './write-known.ts';

/** What a scaling decided, in words. */
export interface ScalingReport {
  readonly decision: ScaleDecision['kind'];
  readonly reasons: readonly string[];
  readonly job: string;
}

interface Decided {
  readonly decision: ScaleDecision;
  readonly lastTrialAt: number;
}

/**
 * Looks at the fleet and grows it, shrinks it or holds. The alarm that calls is a hint: the decision is
 * made from heartbeats and placement as they are now. One decision in flight: the job and the record of
 * the decision are written together, under the generation that was read.
 *
 * @param cause what called: an alarm's name, or `tick`
 */
export async function autoscale(ports: Ports, cause: string): Promise<ScalingReport> {
  const look = await lookAt(ports);
  const decided = ports.policy.autoscaling
    ? await decide(ports, look)
    : { decision: { kind: 'hold', reasons: [] } as const, lastTrialAt: look.last.lastTrialAt };
  const { decision } = decided;
  const reasons = [`called by ${cause}`, ...decision.reasons.map(explainReason)];
  const job = await act(ports, look, decided, reasons);
  ports.log('scaling-decided', { cause, decision: decision.kind, reasons, job });
  return { decision: decision.kind, reasons, job };
}

/** Nothing stands against the drain, and what it moves is not known yet. */
const noTrial = () => ({ reasons: [], bytesMoved: 0, crossZoneBytes: 0, moves: 0 });

/**
 * The history is read when it is written to, and before a node goes. The whole placement is read only when
 * the numbers alone would shrink the fleet, and after a refusal not again before a cooldown is over.
 */
async function decide(ports: Ports, look: Look): Promise<Decided> {
  const { policy } = ports;
  const { nodes, running, sampling } = look;
  const { lastTrialAt } = look.last;
  const now = ports.now();
  const known = { ...since(look), jobsRunning: running };
  const outlooks = () => readOutlooks(ports.tables, zoneUses(nodes), now);
  const foreseen = sampling === 'due' ? { ...known, outlooks: await outlooks() } : known;
  const byNumbers = decideScale(nodes, policy, foreseen, now, noTrial);
  if (byNumbers.kind !== 'scale-in') return { decision: byNumbers, lastTrialAt };
  const cooldownMs = policy.cooldownInMs;
  const leftMs = lastTrialAt + cooldownMs - now;
  if (leftMs > 0) {
    const reasons = [...byNumbers.reasons, { kind: 'cooling-down', leftMs, cooldownMs } as const];
    return { decision: { kind: 'hold', reasons }, lastTrialAt };
  }
  const history = sampling === 'due' ? foreseen : { ...known, outlooks: await outlooks() };
  const active = look.fleet.filter(({ state }) => state === 'active').map(({ id }) => id);
  const map = await mapOf(ports, look.fleet, active);
  const decision = decideScale(nodes, policy, history, now, trialOn(map, policy));
  return { decision, lastTrialAt: decision.kind === 'hold' ? now : lastTrialAt };
}

/** @returns the job that was started, or an empty string */
async function act(
  ports: Ports,
  look: Look,
  decided: Decided,
  reasons: readonly string[],
): Promise<string> {
  const id = jobId(ports.newId());
  const now = ports.now();
  const { last } = look;
  const job = jobOf(decided.decision, reasons);
  const fields = { ...recordOf(look, decided, reasons, now), lastOp: id };
  const when = last.generation === 0 ? 'absent' : { generation: last.generation };
  const outcome = await writeKnown(
    ports.tables,
    [
      {
        op: 'put',
        key: scalingKey,
        fields: job === undefined ? fields : { ...fields, job: id },
        when,
      },
      ...historyOps(ports, look, decided, reasons, job === undefined ? '' : id),
      ...(job === undefined
        ? []
        : [openJobOp(id, job, now), eventOp(id, decidedEvent(id, job), now)]),
    ],
    id,
  );
  if (job === undefined || outcome !== 'committed') return '';
  await ports.workflows.start(workflowOf(job.kind), id);
  return id;
}

const decidedEvent = (id: string, { kind, reasons }: NewJob): NewEvent => ({
  type: 'Scaling Decided',
  detail: {
    decision: kind === 'scale-in' ? kind : 'scale-out',
    job: id,
    reasons: [...reasons],
  },
});

function recordOf(
  { last, marks, sampling }: Look,
  { decision, lastTrialAt }: Decided,
  reasons: readonly string[],
  now: number,
): ScalingRecord {
  return {
    generation: last.generation + 1,
    lastOutAt: decision.kind === 'scale-out' ? now : last.lastOutAt,
    lastInAt: decision.kind === 'scale-in' ? now : last.lastInAt,
    lastTrialAt,
    sampledAt: sampling === 'due' ? now : last.sampledAt,
    highSince: marks.highSince ?? 0,
    lowSince: marks.lowSince ?? 0,
    job: last.job,
    decision: decision.kind,
    reasons: [...reasons],
    decidedAt: now,
  };
}

/** Every plan that changes the fleet is recorded, and every so often what holds. */
function historyOps(
  { policy, now }: Ports,
  { nodes, sampling }: Look,
  { decision }: Decided,
  reasons: readonly string[],
  job: string,
): readonly Op[] {
  if (policy.historyEveryMs === 0 || (sampling === 'not-due' && job === '')) return [];
  const zones = recordedZones(zoneUses(nodes), policy);
  return [historyOp({ at: now(), zones, decision: decision.kind, reasons: [...reasons], job })];
}

function jobOf(decision: ScaleDecision, reasons: readonly string[]): NewJob | undefined {
  if (decision.kind === 'scale-out') {
    const { zones, type } = decision;
    return { kind: 'scale-out', launch: zones, launchType: type, reasons };
  }
  if (decision.kind === 'scale-in') return { kind: 'scale-in', nodes: [decision.node], reasons };
  return undefined;
}
