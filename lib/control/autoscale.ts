import type { NewEvent } from '../contract/events.ts';
import { scalingKey } from '../contract/keys.ts';
import { ScalingRecord } from '../contract/records.ts';
import {
  decideScale,
  type ScaleDecision,
  type ScaleHistory,
  type ScaleNode,
} from '../core/decide-scale.ts';
import { jobId, nodeId, zone } from '../core/ids.ts';
import { trialOn } from '../core/scale-in-trial.ts';
import { explainReason } from '../core/scale-reason.ts';
import { bytes, epochMillis } from '../core/units.ts';
import { eventOp } from './events.ts';
import { type NodeWithBeat, readFleet } from './fleet.ts';
import { type Job, listJobs, type NewJob, openJobOp, workflowOf } from './jobs.ts';
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
  const { decision, lastTrialAt } = ports.policy.autoscaling
    ? await decide(ports, fleet, running, last)
    : { decision: { kind: 'hold', reasons: [] } as const, lastTrialAt: last?.lastTrialAt ?? 0 };
  const reasons = [`called by ${cause}`, ...decision.reasons.map(explainReason)];
  const job = await act(ports, { last, lastTrialAt, decision, reasons });
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

interface Decided {
  readonly decision: ScaleDecision;
  readonly lastTrialAt: number;
}

/**
 * The whole placement is read only when the numbers alone would shrink the fleet, and after a refusal not
 * again before a cooldown is over.
 */
async function decide(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  running: readonly Job[],
  last: ScalingRecord | undefined,
): Promise<Decided> {
  const { policy } = ports;
  const now = ports.now();
  const history = { ...since(last, fleet), jobsRunning: running };
  const nodes = [...fleet.map((node) => scaleNode(ports, node)), ...asked(ports, running)];
  const byNumbers = decideScale(nodes, policy, history, now, () => []);
  const lastTrialAt = last?.lastTrialAt ?? 0;
  if (byNumbers.kind !== 'scale-in') return { decision: byNumbers, lastTrialAt };
  const cooldownMs = policy.cooldownInMs;
  const leftMs = lastTrialAt + cooldownMs - now;
  if (leftMs > 0) {
    const reasons = [...byNumbers.reasons, { kind: 'cooling-down', leftMs, cooldownMs } as const];
    return { decision: { kind: 'hold', reasons }, lastTrialAt };
  }
  const active = fleet.filter(({ state }) => state === 'active').map(({ id }) => id);
  const map = await mapOf(ports, fleet, active);
  const decision = decideScale(nodes, policy, history, now, trialOn(map, policy));
  return { decision, lastTrialAt: decision.kind === 'hold' ? now : lastTrialAt };
}

/** Nodes of scale-outs that have launched nothing yet: on their way, and in no list of the fleet. */
const asked = (ports: Ports, running: readonly Job[]): readonly ScaleNode[] =>
  running
    .filter(({ kind, nodes }) => kind === 'scale-out' && nodes.length === 0)
    .flatMap(({ id, launch }) =>
      Object.entries(launch).flatMap(([where, count]) =>
        Array.from({ length: count }, (_, i) => ({
          id: nodeId(`${id}-${where}${i}`),
          zone: zone(where),
          capacity: bytes(ports.policy.nodeCapacityBytes),
          used: bytes(0),
          state: 'launched' as const,
          healthy: true,
        })),
      ),
    );

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
  {
    last,
    lastTrialAt,
    decision,
    reasons,
  }: Decided & {
    readonly last: ScalingRecord | undefined;
    readonly reasons: readonly string[];
  },
): Promise<string> {
  const now = ports.now();
  const id = jobId(ports.newId());
  const job = jobOf(decision, reasons);
  const record: ScalingRecord = {
    generation: (last?.generation ?? 0) + 1,
    lastOutAt: decision.kind === 'scale-out' ? now : (last?.lastOutAt ?? 0),
    lastInAt: decision.kind === 'scale-in' ? now : (last?.lastInAt ?? 0),
    lastTrialAt,
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
      ...(job === undefined ? [] : [openJobOp(id, job, now), eventOp(id, decided(id, job), now)]),
    ],
    id,
  );
  if (job === undefined || outcome !== 'committed') return '';
  await ports.workflows.start(workflowOf(job.kind), id);
  return id;
}

const decided = (id: string, { kind, reasons }: NewJob): NewEvent => ({
  type: 'Scaling Decided',
  detail: {
    decision: kind === 'scale-in' ? kind : 'scale-out',
    job: id,
    reasons: [...reasons],
  },
});

function jobOf(decision: ScaleDecision, reasons: readonly string[]): NewJob | undefined {
  if (decision.kind === 'scale-out') return { kind: 'scale-out', launch: decision.zones, reasons };
  if (decision.kind === 'scale-in') return { kind: 'scale-in', nodes: [decision.node], reasons };
  return undefined;
}
