import type { StepResult, Verdicts } from '../contract/messages.ts';
import { explainBlock } from '../core/explain-block.ts';
import { type JobId, nodeId } from '../core/ids.ts';
import { stepNode } from './fleet.ts';
import { changeJob, type Job, readJob } from './jobs.ts';
import { type DrainView, observeDrain } from './observe.ts';
import type { Ports } from './ports.ts';

/**
 * The first step of a drain: every chunk has a place to go, or nothing happens. On `go` the nodes are
 * cordoned (no commit can name them from here on) and clients have the grace period to go elsewhere.
 */
export async function admit(ports: Ports, id: JobId): Promise<StepResult<Verdicts['admit']>> {
  const job = await readJob(ports.tables, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const view = await observeDrain(ports, job.nodes.map(nodeId));
  const { blocks } = view.plan;
  if (blocks.length > 0) {
    const reasons = blocks.map(explainBlock);
    ports.log('job-blocked', { job: job.id, reasons });
    await changeJob(ports, job, { phase: 'blocked', reasons });
    return { verdict: 'blocked', waitSeconds: 0 };
  }
  await cordon(ports, job, view);
  await changeJob(ports, job, { phase: 'grace period', bytesMinimum: view.plan.bytesMinimum });
  return { verdict: 'go', waitSeconds: Math.ceil(ports.policy.graceMs / 1000) };
}

/** Nodes that drain for this job already stay as they are, so that the step may run again. */
async function cordon(ports: Ports, job: Job, { fleet }: DrainView): Promise<void> {
  for (const node of fleet.filter(({ id }) => job.nodes.includes(id))) {
    if (node.state === 'active') await stepNode(ports, node, 'draining', job.id);
  }
}
