import { nodeKey } from '../contract/keys.ts';
import type { StepResult, Verdicts } from '../contract/messages.ts';
import { byCodeUnit, type JobId, type NodeId, nodeId, zone } from '../core/ids.ts';
import { typeNamed } from '../core/node-type.ts';
import { beginStep } from './begin-step.ts';
import { enrolNode, type NodeView, readNodes, stepNode } from './fleet.ts';
import { changeJob, type Job } from './jobs.ts';
import type { Ports } from './ports.ts';
import { writeKnown } from './write-known.ts';

interface Wanted {
  readonly node: NodeId;
  readonly zone: string;
  readonly token: string;
}

/**
 * Launches a scale-out's nodes. Each node's record is written before its machine is asked for, with the
 * token that makes asking again harmless, so no machine runs that the fleet does not know.
 */
export async function launch(base: Ports, id: JobId): Promise<StepResult<Verdicts['launch']>> {
  const { ports, job } = await beginStep(base, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const wanted = wantedBy(job);
  for (const each of wanted) await enrol(ports, job, each);
  const nodesOfJob = wanted.map(({ node }) => node);
  const change = await changeJob(ports, job, { phase: 'launching', nodes: nodesOfJob });
  if (change === 'stale') return { verdict: 'cancelled', waitSeconds: 0 };
  const nodes = await readNodes(ports.tables);
  for (const each of wanted) {
    const node = nodes.find((known) => known.id === each.node && known.state === 'launched');
    if (node !== undefined && node.instance === '')
      await launchNode(ports, node, each, job.launchType);
  }
  return { verdict: 'launched', waitSeconds: 1 };
}

/** Names follow from the job, so that the step finds its own nodes when it runs again. */
function wantedBy(job: Job): readonly Wanted[] {
  const tail = job.id.slice(-6).toLowerCase();
  const zones = Object.keys(job.launch).sort(byCodeUnit);
  return Object.entries(job.launch).flatMap(([name, count]) =>
    Array.from({ length: count }, (_, i) => {
      const seat = `${shortOf(name, zones)}${i + 1}`;
      return { node: nodeId(`n-${tail}-${seat}`), zone: name, token: `${job.id}-${seat}` };
    }),
  );
}

/** A zone's last letter; of zones that end alike (us-west-2a, us-west-2-lax-1a) the later ones add their number. */
function shortOf(name: string, zones: readonly string[]): string {
  const letter = name.slice(-1);
  const number = zones.filter((zone) => zone.endsWith(letter)).indexOf(name) + 1;
  return number === 1 ? letter : `${letter}${number}-`;
}

const enrol = (ports: Ports, job: Job, { node, zone: name, token }: Wanted): Promise<void> =>
  enrolNode(ports, node, {
    state: 'launched',
    epoch: 1,
    zone: name,
    class: job.launchClass,
    capacity: typeNamed(ports.policy, job.launchType).capacityBytes,
    launchToken: token,
    job: job.id,
    instance: '',
    address: '',
    incarnation: '',
    since: ports.now(),
    lastOp: ports.newId(),
  });

async function launchNode(
  ports: Ports,
  node: NodeView,
  { zone: name, token }: Wanted,
  launchType: string,
): Promise<void> {
  // The node's record says its size: a policy that changes meanwhile must not change what the token asks for.
  const type = launchType === '' ? undefined : { type: launchType, capacityBytes: node.capacity };
  const machine = await ports.machines.launch(node.id, zone(name), token, type);
  if ('refused' in machine) {
    ports.log('launch-refused', { node: node.id, zone: name, reason: machine.refused });
    await stepNode(ports, node, 'terminating', node.job);
    return;
  }
  await writeKnown(
    ports.tables,
    [
      {
        op: 'update',
        key: nodeKey(node.id),
        set: { instance: machine.instance, lastOp: `${token}+i` },
        when: { epoch: node.epoch },
      },
    ],
    `${token}+i`,
  );
}
