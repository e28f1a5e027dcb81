import { scalingKey } from '../contract/keys.ts';
import { ScalingRecord } from '../contract/records.ts';
import {
  decideScale,
  type ScaleDecision,
  type ScaleHistory,
  type ScaleNode,
} from '../core/decide-scale.ts';
import { jobId } from '../core/ids.ts';
import { trialOn } from '../core/scale-in-trial.ts';
import { explainReason } from '../core/scale-reason.ts';
import { bytes, epochMillis } from '../core/units.ts';
import { type NodeWithBeat, readFleet } from './fleet.ts';
import { listJobs, type NewJob, openJobOp, workflowOf } from './jobs.ts';
import { mapOf } from './observe.ts';
import type { Ports } from './ports.ts';
import { writeKnown } from './write-known.ts';

/** What a scaling decided, in words. */
export interface ScalingReport {
  readonly decision: ScaleDecision['kind'];
  readonly reasons: readonly string[];
  readonly job: string;
}

/**
 * Looks at the fleet and grows it, shrinks it or holds. The alarm that calls is a hint: the decision is
 * made from heartbeats and placement as they are now. One decision in flight: the job and the record of
 * the decision are written together, under the generation that was read.
 *
 * @param cause what called: an alarm's name, or `tick`
 */
export async function autoscale(ports: Ports, cause: string): Promise<ScalingReport> {
  const [fleet, jobs, [item]] = await Promise.all([
    readFleet(ports.tables),
    listJobs(ports.tables),
    ports.tables.get([scalingKey]),
  ]);
  const last = item === undefined ? undefined : ScalingRecord.parse(item);
  const running = jobs.filter(({ state }) => state === 'running');
  const decision = ports.policy.autoscaling
    ? await decide(ports, fleet, { ...since(last, fleet), jobsRunning: running })
    : ({ kind: 'hold', reasons: [] } as const);
  const reasons = [`called by ${cause}`, ...decision.reasons.map(explainReason)];
  const job = await act(ports, last, decision, reasons);
  ports.log('scaling-decided', { cause, decision: decision.kind, reasons, job });
  return { decision: decision.kind, reasons, job };
}

function since(
  last: ScalingRecord | undefined,
  fleet: readonly NodeWithBeat[],
): Omit<ScaleHistory, 'jobsRunning'> {
  const { lastOutAt = 0, lastInAt = 0 } = last ?? {};
  const joins = fleet.filter(({ state }) => state === 'active').map((node) => node.since);
  return {
    ...(lastOutAt > 0 && { lastScaleOut: epochMillis(lastOutAt) }),
    ...(lastInAt > 0 && { lastScaleIn: epochMillis(lastInAt) }),
    ...(joins.length > 0 && { lastJoin: epochMillis(Math.max(...joins)) }),
  };
}

/** The whole placement is read only when the numbers alone would shrink the fleet. */
async function decide(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  history: ScaleHistory,
): Promise<ScaleDecision> {
  const { policy } = ports;
  const nodes = fleet.map((node) => scaleNode(ports, node));
  const byNumbers = decideScale(nodes, policy, history, ports.now(), () => []);
  if (byNumbers.kind !== 'scale-in') return byNumbers;
  const active = fleet.filter(({ state }) => state === 'active').map(({ id }) => id);
  const map = await mapOf(ports, fleet, active);
  return decideScale(nodes, policy, history, ports.now(), trialOn(map, policy));
}

const scaleNode = (ports: Ports, node: NodeWithBeat): ScaleNode => ({
  id: node.id,
  zone: node.zone,
  capacity: bytes(node.capacity),
  used: bytes(node.beat?.usedBytes ?? 0),
  state: node.state,
  healthy: node.beat !== undefined && ports.now() - node.beat.at < ports.policy.deadAfterMs,
});

/** @returns the job that was started, or an empty string */
async function act(
  ports: Ports,
  last: ScalingRecord | undefined,
  decision: ScaleDecision,
  reasons: readonly string[],
): Promise<string> {
  const now = ports.now();
  const id = jobId(ports.newId());
  const job = jobOf(decision, reasons);
  const record: ScalingRecord = {
    generation: (last?.generation ?? 0) + 1,
    lastOutAt: decision.kind === 'scale-out' ? now : (last?.lastOutAt ?? 0),
    lastInAt: decision.kind === 'scale-in' ? now : (last?.lastInAt ?? 0),
    job: job === undefined ? (last?.job ?? '') : id,
    decision: decision.kind,
    reasons: [...reasons],
    decidedAt: now,
  };
  const outcome = await writeKnown(
    ports.tables,
    [
      {
        op: 'put',
        key: scalingKey,
        fields: { ...record, lastOp: id },
        when: last === undefined ? 'absent' : { generation: last.generation },
      },
      ...(job === undefined ? [] : [openJobOp(id, job, now)]),
    ],
    id,
  );
  if (job === undefined || outcome !== 'committed') return '';
  await ports.workflows.start(workflowOf(job.kind), id);
  return id;
}

function jobOf(decision: ScaleDecision, reasons: readonly string[]): NewJob | undefined {
  if (decision.kind === 'scale-out') return { kind: 'scale-out', launch: decision.zones, reasons };
  if (decision.kind === 'scale-in') return { kind: 'scale-in', nodes: [decision.node], reasons };
  return undefined;
}
