import type { StepResult, Verdicts } from '../contract/messages.ts';
import type { JobId } from '../core/ids.ts';
import type { NodeState } from '../core/lifecycle.ts';
import { beginStep } from './begin-step.ts';
import { type NodeView, type NodeWithBeat, readNodes, stepNode, withBeats } from './fleet.ts';
import { type Job, tellPhase } from './jobs.ts';
import { type Machine, NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { terminateNode } from './terminate.ts';

const lookAgainSeconds = 1;

/**
 * Waits for a scale-out's nodes: running by EC2's word, beating, and sound by their own answer. A sound
 * one becomes `active`; one that is not by the policy's limit is terminated.
 */
export async function join(base: Ports, id: JobId): Promise<StepResult<Verdicts['join']>> {
  const { ports, job } = await beginStep(base, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const [nodes, machines] = await Promise.all([readNodes(ports.tables), ports.machines.list()]);
  const mine = nodes.filter((node) => job.nodes.includes(node.id));
  const brought: NodeView[] = [];
  for (const node of await beatsOf(ports, mine)) {
    brought.push({ ...node, state: await bringOn(ports, job, node, machines) });
  }
  return verdictOf(ports, job, brought);
}

/** Heartbeats matter only of nodes that have not been registered yet. */
const beatsOf = async (
  ports: Ports,
  nodes: readonly NodeView[],
): Promise<readonly NodeWithBeat[]> =>
  nodes.some(({ state }) => state === 'launched')
    ? withBeats(ports.tables, nodes)
    : nodes.map((node) => ({ ...node, beat: undefined }));

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

/** @returns the state that it is in now, as far as this step knows: one that others stepped is looked at again */
async function bringOn(
  ports: Ports,
  job: Job,
  node: NodeWithBeat,
  machines: readonly Machine[],
): Promise<NodeState> {
  if (node.state === 'terminating') await terminateNode(ports, node, machines);
  if (node.state !== 'launched' && node.state !== 'joining') return node.state;
  if (ports.now() - node.since > ports.policy.joinLimitMs) {
    ports.log('never-joined', { node: node.id, afterMs: ports.now() - node.since });
    return stateAfter(node, 'terminating', await stepNode(ports, node, 'terminating', job.id));
  }
  const machine = machines.find(({ node: id }) => id === node.id);
  if (machine?.state !== 'running' || machine.address === '') return node.state;
  return node.state === 'launched'
    ? register(ports, job, node, machine)
    : activateIfSound(ports, job, node);
}

const stateAfter = (node: NodeView, to: NodeState, outcome: 'stepped' | 'stale'): NodeState =>
  outcome === 'stepped' ? to : node.state;

/** The address is EC2's word; of itself the node only says what its disk is. */
async function register(
  ports: Ports,
  job: Job,
  node: NodeWithBeat,
  machine: Machine,
): Promise<NodeState> {
  const { beat } = node;
  if (beat === undefined) return node.state;
  const outcome = await stepNode(ports, node, 'joining', job.id, {
    address: machine.address,
    instance: machine.instance,
    incarnation: beat.incarnation,
    capacity: beat.capacityBytes,
  });
  return stateAfter(node, 'joining', outcome);
}

async function activateIfSound(ports: Ports, job: Job, node: NodeView): Promise<NodeState> {
  try {
    const stats = await ports.nodes.stats({ node: node.id, address: node.address });
    const sound =
      stats.incarnation === node.incarnation && stats.capacityBytes > 0 && !stats.diskSuspect;
    if (!sound) return node.state;
    return stateAfter(node, 'active', await stepNode(ports, node, 'active', job.id));
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    return node.state;
  }
}
