import type { FinishInput, StepResult, Verdicts } from '../contract/messages.ts';
import { type JobId, jobId } from '../core/ids.ts';
import { beginStep } from './begin-step.ts';
import { tellEvents } from './events.ts';
import { type NodeView, readNodes, stepNode } from './fleet.ts';
import { holdsAny } from './inventory.ts';
import { endJob, type JobChanges } from './jobs.ts';
import type { Ports } from './ports.ts';
import { terminateNode } from './terminate.ts';

/** Ends a job as its execution ended, and leaves nothing half done: nodes that still drain are given back. */
export async function finish(
  base: Ports,
  input: FinishInput,
): Promise<StepResult<Verdicts['finish']>> {
  const id = jobId(input.job);
  const { ports, job } = await beginStep(base, id);
  if (job?.state === 'running' && input.outcome !== 'running') {
    await endJob(
      ports,
      job,
      input.outcome,
      endOf(input, job.movesPlanned - job.movesDone, job.reasons),
    );
  }
  await releaseNodes(ports, id, job?.nodes);
  await tellEvents(ports);
  return { verdict: 'ended', waitSeconds: 0 };
}

function endOf(input: FinishInput, left: number, reasons: readonly string[]): JobChanges {
  if (input.outcome === 'done') return {};
  const error = input.error === undefined ? [] : [JSON.stringify(input.error).slice(0, 500)];
  return { movesFailed: Math.max(0, left), reasons: [...reasons, ...error] };
}

/** Nodes that a job that has ended left on their way: back to work, or, if dead and empty, away. */
export async function releaseNodes(
  ports: Ports,
  job: JobId,
  cared: readonly string[] = [],
): Promise<void> {
  const nodes = await readNodes(ports.tables);
  const stranded = nodes.filter((node) => node.job === job && isOnItsWay(node));
  for (const node of stranded) {
    await stepNode(ports, node, node.state === 'draining' ? 'active' : 'terminating', job);
  }
  const stepped = stranded.length === 0 ? nodes : await readNodes(ports.tables);
  await bury(
    ports,
    stepped.filter(({ id, job: last }) => last === job || cared.includes(id)).filter(isEnding),
  );
}

const isOnItsWay = ({ state }: NodeView): boolean =>
  state === 'draining' || state === 'launched' || state === 'joining';

/** On its way out with nobody to take it further but {@link bury}. */
export const isEnding = ({ state }: NodeView): boolean =>
  state === 'dead' || state === 'drained' || state === 'terminating';

/**
 * Takes nodes that the placement does not name any more out of the fleet, as far as EC2 lets it: dead
 * ones, and drained ones whose job ended before it terminated them (nothing leads back from there).
 *
 * @returns dead nodes that it still names
 */
export async function bury(ports: Ports, nodes: readonly NodeView[]): Promise<readonly NodeView[]> {
  if (nodes.length === 0) return [];
  const machines = await ports.machines.list();
  const named: NodeView[] = [];
  for (const node of nodes) {
    if (node.state === 'dead' && (await holdsAny(ports, node.id))) named.push(node);
    else await terminateNode(ports, node, machines);
  }
  return named;
}
