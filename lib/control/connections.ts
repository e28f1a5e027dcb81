import type { StepResult, Verdicts } from '../contract/messages.ts';
import type { JobId } from '../core/ids.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { readJob, tellPhase } from './jobs.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

const lookAgainSeconds = 2;

/**
 * Waits for clients to let go of leaving nodes, up to the policy's limit after the grace period. A node
 * that does not answer keeps nobody waiting: the moves find another source or wait for it.
 */
export async function connections(
  ports: Ports,
  id: JobId,
): Promise<StepResult<Verdicts['connections']>> {
  const job = await readJob(ports.tables, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const nodes = await readNodes(ports.tables);
  const leaving = nodes.filter((node) => node.job === id && node.state === 'draining');
  const open = (await Promise.all(leaving.map((node) => openOn(ports, node)))).reduce(
    (a, b) => a + b,
    0,
  );
  if (open === 0 || leaving.every((node) => isOverLimit(ports, node))) {
    return { verdict: 'idle', waitSeconds: 0 };
  }
  await tellPhase(ports, job, `waiting for ${open} client connections`);
  return { verdict: 'busy', waitSeconds: lookAgainSeconds };
}

const isOverLimit = (ports: Ports, node: NodeView): boolean =>
  ports.now() - node.since > ports.policy.graceMs + ports.policy.connectionsLimitMs;

async function openOn(ports: Ports, node: NodeView): Promise<number> {
  try {
    return (await ports.nodes.stats(addressOf(node))).connections;
  } catch (error) {
    if (error instanceof NodeUnreachable || error instanceof NodeRefused) return 0;
    throw error;
  }
}
