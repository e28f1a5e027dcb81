import type { StepResult, Verdicts } from '../contract/messages.ts';
import { clientMs } from '../core/client-time.ts';
import type { JobId } from '../core/ids.ts';
import { beginStep } from './begin-step.ts';
import { addressOf, type NodeView, readNodes } from './fleet.ts';
import { type Job, tellPhase } from './jobs.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

const lookAgainSeconds = 2;
/** The grace period is waited for in pieces, so that a drain that is hastened meanwhile goes on soon. */
const graceSecondsMax = 10;

/** How long to wait before it is worth looking whether a grace period is over. */
export const graceSeconds = (leftMs: number): number =>
  Math.min(graceSecondsMax, Math.ceil(leftMs / 1_000));

/**
 * Waits for the grace period, and then for clients to let go of leaving nodes, up to the policy's limit or
 * what a deadline leaves of it; then what is still open is cut off, and its readers go to another holder. A
 * node that does not answer keeps nobody waiting: the moves find another source or wait for it.
 */
export async function connections(
  base: Ports,
  id: JobId,
): Promise<StepResult<Verdicts['connections']>> {
  const { ports, job } = await beginStep(base, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const nodes = await readNodes(ports.tables);
  const leaving = nodes.filter((node) => node.job === id && node.state === 'draining');
  const graceMs = Math.max(0, ...leaving.map((node) => graceLeftMs(ports, job, node)));
  if (graceMs > 0) return { verdict: 'busy', waitSeconds: graceSeconds(graceMs) };
  const open = await onEach(leaving, (node) => openOn(ports, node));
  if (open === 0) return { verdict: 'idle', waitSeconds: 0 };
  if (leaving.every((node) => isOverLimit(ports, job, node))) {
    const closed = await onEach(leaving, (node) => closeOn(ports, node));
    ports.log('connections-closed', { job: id, open, closed });
    await tellPhase(ports, job, `closed ${closed} of ${open} client connections`);
    return { verdict: 'idle', waitSeconds: 0 };
  }
  await tellPhase(ports, job, `waiting for ${open} client connections`);
  return { verdict: 'busy', waitSeconds: lookAgainSeconds };
}

function graceLeftMs(ports: Ports, { deadline }: Job, { since }: NodeView): number {
  return clientMs(ports.policy.graceMs, deadline, since) - (ports.now() - since);
}

function isOverLimit(ports: Ports, { deadline }: Job, { since }: NodeView): boolean {
  const { graceMs, connectionsLimitMs } = ports.policy;
  const limitMs =
    clientMs(graceMs, deadline, since) + clientMs(connectionsLimitMs, deadline, since);
  return ports.now() - since > limitMs;
}

/** The sum over the nodes; one that does not answer counts nothing. */
async function onEach(
  nodes: readonly NodeView[],
  count: (node: NodeView) => Promise<number>,
): Promise<number> {
  const counts = nodes.map((node) =>
    count(node).catch((error: unknown) => {
      if (error instanceof NodeUnreachable || error instanceof NodeRefused) return 0;
      throw error;
    }),
  );
  return (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
}

const openOn = async (ports: Ports, node: NodeView): Promise<number> =>
  (await ports.nodes.stats(addressOf(node))).connections;

const closeOn = (ports: Ports, node: NodeView): Promise<number> =>
  ports.nodes.close(addressOf(node));
