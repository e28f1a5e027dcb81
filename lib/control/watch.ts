import { watchKey } from '../contract/keys.ts';
import { WatchRecord } from '../contract/records.ts';
import { jobId } from '../core/ids.ts';
import { autoscale } from './autoscale.ts';
import { tryCollect } from './collect.ts';
import { bury, releaseNodes } from './finish.ts';
import { type NodeWithBeat, readFleet, stepNode } from './fleet.ts';
import { type Job, listJobs, startRepair, workflowOf } from './jobs.ts';
import { orphanAgeMs } from './limits.ts';
import { pace } from './pace.ts';
import type { Machine, Ports } from './ports.ts';

type Seen = WatchRecord['seen'];

/** States in which a node is expected to beat. */
const beating = ['active', 'draining', 'drained'];

/**
 * The level-triggered look at everything that an event may have missed: nodes that died become `dead` and
 * are repaired, jobs without an execution get one, nodes that a dead job left are released, orphans are
 * collected, and the scaling is decided.
 */
export async function watch(ports: Ports): Promise<void> {
  const [fleet, machines, jobs] = await Promise.all([
    readFleet(ports.tables),
    ports.machines.list(),
    listJobs(ports.tables),
  ]);
  const seen = await look(ports, fleet);
  await declareDead(ports, fleet, machines, seen);
  await repairDead(ports, jobs);
  await resumeJobs(ports, jobs);
  await releaseStranded(ports, fleet, jobs);
  await collectInTurn(ports, fleet);
  await pace(ports);
  await autoscale(ports, 'tick');
}

/**
 * What each heartbeat's sequence number was and since when: a beat is judged by standing still on this
 * clock, never by comparing two clocks.
 */
async function look(ports: Ports, fleet: readonly NodeWithBeat[]): Promise<Seen> {
  const [item] = await ports.tables.get([watchKey]);
  const before = item === undefined ? {} : WatchRecord.parse(item).seen;
  const now = ports.now();
  const seen = Object.fromEntries(
    fleet.map(({ id, beat }) => {
      const last = before[id];
      const seq = beat?.seq ?? 0;
      return [id, last !== undefined && last.seq === seq ? last : { seq, since: now }];
    }),
  );
  await ports.tables.write([{ op: 'put', key: watchKey, fields: { seen } }]);
  return seen;
}

async function declareDead(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  machines: readonly Machine[],
  seen: Seen,
): Promise<void> {
  for (const node of fleet.filter(({ state }) => beating.includes(state))) {
    const why = whyDead(ports, node, machines, seen);
    if (why === undefined) continue;
    ports.log('node-dead', { node: node.id, why });
    await stepNode(ports, node, 'dead', node.job);
  }
}

function whyDead(
  ports: Ports,
  node: NodeWithBeat,
  machines: readonly Machine[],
  seen: Seen,
): string | undefined {
  const machine = machines.find(({ instance }) => instance === node.instance);
  if (machine?.state === 'terminated') return `instance ${machine.instance} is terminated`;
  if (node.beat !== undefined && node.beat.incarnation !== node.incarnation) {
    return `its disk is another one: ${node.beat.incarnation}, not ${node.incarnation}`;
  }
  const still = ports.now() - (seen[node.id]?.since ?? ports.now());
  return still > ports.policy.deadAfterMs ? `no heartbeat for ${still} ms` : undefined;
}

/** One repair takes all dead nodes that no job cares for yet; empty ones leave the fleet. */
async function repairDead(ports: Ports, jobs: readonly Job[]): Promise<void> {
  const fleet = await readFleet(ports.tables);
  const cared = new Set(
    jobs.filter(({ state }) => state === 'running').flatMap(({ nodes }) => nodes),
  );
  const ending = fleet.filter(({ state }) => state === 'dead' || state === 'terminating');
  const named = await bury(
    ports,
    ending.filter(({ id }) => !cared.has(id)),
  );
  if (named.length === 0) return;
  const nodes = named.map(({ id }) => id);
  await startRepair(ports, nodes, [`${nodes.join(', ')} died`]);
}

/** Starting an execution again is harmless: its name is the job's id. */
async function resumeJobs(ports: Ports, jobs: readonly Job[]): Promise<void> {
  for (const job of jobs.filter(({ state }) => state === 'running')) {
    await ports.workflows.start(workflowOf(job.kind), job.id);
  }
}

/** One node's disk a minute: an orphan costs room, nothing else, so a large fleet takes hours and little. */
async function collectInTurn(ports: Ports, fleet: readonly NodeWithBeat[]): Promise<void> {
  const active = fleet.filter(({ state }) => state === 'active');
  const node = active[Math.floor(ports.now() / 60_000) % active.length];
  if (node !== undefined) await tryCollect(ports, node, orphanAgeMs);
}

/** Nodes on their way for a job that has ended, whose last step was never taken. */
async function releaseStranded(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  jobs: readonly Job[],
): Promise<void> {
  const running = new Set<string>(
    jobs.filter(({ state }) => state === 'running').map(({ id }) => id),
  );
  const stranded = fleet.filter(
    ({ state, job }) => ['draining', 'launched', 'joining'].includes(state) && !running.has(job),
  );
  for (const job of new Set(stranded.map((node) => node.job)))
    await releaseNodes(ports, jobId(job));
}
