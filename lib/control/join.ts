import { heartbeatKey } from '../contract/keys.ts';
import type { StepResult, Verdicts } from '../contract/messages.ts';
import { HeartbeatRecord } from '../contract/records.ts';
import type { JobId } from '../core/ids.ts';
import { type NodeView, readNodes, stepNode } from './fleet.ts';
import { type Job, readJob, tellPhase } from './jobs.ts';
import { type Machine, NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { terminateNode } from './terminate.ts';

const lookAgainSeconds = 1;

/**
 * Waits for a scale-out's nodes: running by EC2's word, beating, and sound by their own answer. A sound
 * one becomes `active`; one that is not by the policy's limit is terminated.
 */
export async function join(ports: Ports, id: JobId): Promise<StepResult<Verdicts['join']>> {
  const job = await readJob(ports.tables, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const [nodes, machines] = await Promise.all([readNodes(ports.tables), ports.machines.list()]);
  const mine = nodes.filter((node) => job.nodes.includes(node.id));
  for (const node of mine) await bringOn(ports, job, node, machines);
  return verdictOf(
    ports,
    job,
    (await readNodes(ports.tables)).filter(({ id: node }) => job.nodes.includes(node)),
  );
}

async function verdictOf(
  ports: Ports,
  job: Job,
  mine: readonly NodeView[],
): Promise<StepResult<Verdicts['join']>> {
  const waiting = mine.filter(({ state }) => state === 'launched' || state === 'joining');
  if (waiting.length > 0) {
    await tellPhase(ports, job, `waiting for ${waiting.map((node) => node.id).join(', ')} to join`);
    return { verdict: 'waiting', waitSeconds: lookAgainSeconds };
  }
  const joined = mine.some(({ state }) => state === 'active');
  return { verdict: joined ? 'joined' : 'failed', waitSeconds: 0 };
}

async function bringOn(
  ports: Ports,
  job: Job,
  node: NodeView,
  machines: readonly Machine[],
): Promise<void> {
  if (node.state === 'terminating') {
    await terminateNode(ports, node, machines);
    return;
  }
  if (node.state !== 'launched' && node.state !== 'joining') return;
  if (ports.now() - node.since > ports.policy.joinLimitMs) {
    ports.log('never-joined', { node: node.id, afterMs: ports.now() - node.since });
    await stepNode(ports, node, 'terminating', job.id);
    return;
  }
  const machine = machines.find(({ node: id }) => id === node.id);
  if (machine?.state !== 'running' || machine.address === '') return;
  if (node.state === 'launched') await register(ports, job, node, machine);
  else await activateIfSound(ports, job, node);
}

/** The address is EC2's word; of itself the node only says what its disk is. */
async function register(ports: Ports, job: Job, node: NodeView, machine: Machine): Promise<void> {
  const [item] = await ports.tables.get([heartbeatKey(node.id)]);
  if (item === undefined) return;
  const beat = HeartbeatRecord.parse(item);
  await stepNode(ports, node, 'joining', job.id, {
    address: machine.address,
    instance: machine.instance,
    incarnation: beat.incarnation,
    capacity: beat.capacityBytes,
  });
}

async function activateIfSound(ports: Ports, job: Job, node: NodeView): Promise<void> {
  try {
    const stats = await ports.nodes.stats({ node: node.id, address: node.address });
    const sound =
      stats.incarnation === node.incarnation && stats.capacityBytes > 0 && !stats.diskSuspect;
    if (sound) await stepNode(ports, node, 'active', job.id);
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
  }
}
