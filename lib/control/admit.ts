import type { StepResult, Verdicts } from '../contract/messages.ts';
import { clientMs } from '../core/client-time.ts';
import { estimateDrain } from '../core/deadline.ts';
import { explainBlock } from '../core/explain-block.ts';
import { type JobId, nodeId } from '../core/ids.ts';
import type { Block } from '../core/plan.ts';
import { explainRemedy } from '../core/remedy.ts';
import { workOf } from './answer-drain.ts';
import { graceSeconds } from './connections.ts';
import { type NodeView, readNodesEver, stepNode } from './fleet.ts';
import { changeJob, type Job, listJobs } from './jobs.ts';
import { type DrainView, observeDrain, remediesOf } from './observe.ts';
import { type Ports, TryLater } from './ports.ts';

/**
 * The first step of a drain: every chunk has a place to go, or nothing happens. On `go` the nodes are
 * cordoned (no commit can name them from here on) and clients have the grace period to go elsewhere, or what
 * the deadline leaves of it. Nodes
 * that this job has taken further already stay as they are: its execution may begin anew at any point.
 * Nodes whose machines will be taken away go whatever stands against it.
 *
 * @throws TryLater
 */
export async function admit(ports: Ports, id: JobId): Promise<StepResult<Verdicts['admit']>> {
  const jobs = await listJobs(ports.tables);
  const job = jobs.find((each) => each.id === id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const known = await readNodesEver(ports.tables);
  const named = known.filter((node) => job.nodes.includes(node.id));
  const past = named.filter((node) => node.job === job.id && !isHere(node));
  const leaving = job.nodes.map(nodeId).filter((node) => !past.some((each) => each.id === node));
  const view = await observeDrain(
    ports,
    leaving,
    jobs.filter((other) => other.id < id),
    known.filter(({ state }) => state !== 'gone'),
  );
  const others = named.flatMap((node) => drainedByOthers(job, node));
  const blocks = job.mustLeave ? others : [...view.plan.blocks, ...others];
  if (blocks.length > 0) {
    const reasons = [
      ...blocks.map(explainBlock),
      ...remediesOf(ports, view, leaving).map(
        (remedy) => `to unblock: ${explainRemedy(remedy, leaving)}`,
      ),
    ];
    ports.log('job-blocked', { job: job.id, reasons });
    await changeJob(ports, job, { phase: 'blocked', reasons });
    return { verdict: 'blocked', waitSeconds: 0 };
  }
  await cordon(ports, job, view);
  const { bytesMinimum } = view.plan;
  const { p50Ms, p90Ms } = estimateDrain(
    await workOf(
      ports,
      view,
      leaving,
      jobs.filter((other) => other.id !== id),
    ),
  );
  await changeJob(ports, job, {
    phase: 'grace period',
    ...(job.attempt === '' && { bytesMinimum, estimateP50Ms: p50Ms, estimateP90Ms: p90Ms }),
  });
  const graceMs = clientMs(ports.policy.graceMs, job.deadline, ports.now());
  return { verdict: 'go', waitSeconds: graceSeconds(graceMs) };
}

const isHere = ({ state }: NodeView): boolean => state === 'active' || state === 'draining';

const drainedByOthers = (job: Job, { id, state, job: last }: NodeView): readonly Block[] =>
  state === 'draining' && last !== job.id ? [{ kind: 'wrong-state', node: id, state }] : [];

async function cordon(ports: Ports, job: Job, { fleet }: DrainView): Promise<void> {
  const active = fleet.filter(({ id, state }) => job.nodes.includes(id) && state === 'active');
  for (const node of active) {
    if ((await stepNode(ports, node, 'draining', job.id)) === 'stepped') continue;
    throw new TryLater(`${node.id} changed while it was cordoned: look again`);
  }
}
