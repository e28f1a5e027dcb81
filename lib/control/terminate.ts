import { outboxPartition } from '../contract/keys.ts';
import type { StepResult, Verdicts } from '../contract/messages.ts';
import type { JobId } from '../core/ids.ts';
import { beginStep } from './begin-step.ts';
import { type NodeView, readNodes, stepNode } from './fleet.ts';
import { holdsAny } from './inventory.ts';
import { tellPhase } from './jobs.ts';
import { tombstoneSeconds } from './limits.ts';
import { queryAll } from './pages.ts';
import type { Machine, Ports } from './ports.ts';

const lookAgainSeconds = 2;
/** Of a machine that ends, looks are a quarter of the time apart that it has taken so far: some twenty in a minute. */
const endingShare = 0.25;
const endingSecondsMax = 30;
/** EC2 lists a terminated instance for about an hour. */
const forgottenMs = 2 * 3_600_000;
/** Step Functions waits whole seconds; a machine that ends by itself meanwhile is seen between two pieces. */
const waitSecondsMax = 300;

/**
 * Terminates a drain's nodes once their proof stands and readers with an old view had time to leave. The
 * step to `terminating` comes first and nothing leads back from it.
 */
export async function terminate(
  base: Ports,
  id: JobId,
): Promise<StepResult<Verdicts['terminate']>> {
  const { ports, job } = await beginStep(base, id);
  if (job === undefined) return { verdict: 'cancelled', waitSeconds: 0 };
  const nodes = await readNodes(ports.tables);
  const machines = await ports.machines.list();
  let waitSeconds = 0;
  for (const node of nodes.filter((each) => job.nodes.includes(each.id))) {
    const wait = await terminateNode(ports, node, machines);
    waitSeconds = Math.max(waitSeconds, wait);
  }
  if (waitSeconds === 0) return { verdict: 'gone', waitSeconds };
  if (job.state === 'running') await tellPhase(ports, job, 'terminating');
  return { verdict: 'waiting', waitSeconds: Math.min(waitSecondsMax, waitSeconds) };
}

/**
 * One step on the way of a drained or dead and empty node. Harmless for any other.
 *
 * @returns seconds until it is worth looking again; 0 when the node is gone
 */
export async function terminateNode(
  ports: Ports,
  node: NodeView,
  machines: readonly Machine[],
): Promise<number> {
  const machine = machines.find(({ node: id }) => id === node.id);
  if (node.state === 'terminating') return finishTermination(ports, node, machine);
  if (node.state !== 'drained' && node.state !== 'dead') return 0;
  const parked = node.since + ports.policy.parkingMs - ports.now();
  if (node.state === 'drained' && parked > 0) return Math.ceil(parked / 1000);
  if (await holdsAny(ports, node.id)) return lookAgainSeconds;
  if ((await stepNode(ports, node, 'terminating', node.job)) === 'stale') return lookAgainSeconds;
  const epoch = node.epoch + 1;
  return finishTermination(
    ports,
    { ...node, state: 'terminating', epoch, since: ports.now() },
    machine,
  );
}

/**
 * An absent machine proves nothing at first: terminating it again is harmless, and then the list will say
 * so, unless EC2 has forgotten it. Should a launch that was under way bring one yet, the watch ends it.
 */
async function finishTermination(
  ports: Ports,
  node: NodeView,
  machine: Machine | undefined,
): Promise<number> {
  if (machine === undefined && node.instance === '') return toGone(ports, node);
  if (machine?.state === 'terminated') return toGone(ports, node);
  if (machine === undefined && ports.now() - node.since > forgottenMs) return toGone(ports, node);
  await ports.machines.terminate(machine?.instance ?? node.instance);
  const takenSeconds = (ports.now() - node.since) / 1_000;
  return Math.max(1, Math.min(endingSecondsMax, Math.floor(takenSeconds * endingShare)));
}

/** Nothing can add to its outbox any more, and nobody sweeps it after this. */
async function toGone(ports: Ports, node: NodeView): Promise<number> {
  const rows = await queryAll(ports.tables, 'placement', outboxPartition(node.id));
  await ports.tables.writeEach(
    rows.map(({ pk, sk }) => ({ op: 'delete', key: { table: 'placement', pk, sk } })),
  );
  const expiresAt = Math.floor(ports.now() / 1000) + tombstoneSeconds;
  await stepNode(ports, node, 'gone', node.job, { expiresAt });
  return 0;
}
