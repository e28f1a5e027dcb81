import { watchKey } from '../contract/keys.ts';
import { WatchRecord } from '../contract/records.ts';
import { jobId, type NodeId, nodeId } from '../core/ids.ts';
import { autoscale } from './autoscale.ts';
import { tryCollect } from './collect.ts';
import { bury, isEnding, releaseNodes } from './finish.ts';
import {
  type NodeView,
  type NodeWithBeat,
  readNodes,
  readNodesEver,
  stepNode,
  withBeats,
} from './fleet.ts';
import { tidyInventory } from './inventory.ts';
import { type Job, listJobs, readJob, workflowOf } from './jobs.ts';
import { orphanAgeMs } from './limits.ts';
import { mendDamage } from './mend.ts';
import { pace } from './pace.ts';
import type { Machine, Ports } from './ports.ts';
import { dropPlan } from './publish-plan.ts';
import { startRepair } from './start-job.ts';
import { tellNodes } from './tell-nodes.ts';
import { liftPauses } from './zone-notice.ts';

type Seen = WatchRecord['seen'];

/** States in which a node is expected to beat. */
const beating = ['active', 'draining', 'drained'];

/**
 * Looks because a machine's state changed, if that is news: one whose node is on its way out already, or that
 * is no node's, changes nothing, and most machines that go are those that we end.
 *
 * @param instance `undefined`: the schedule looks, whatever happened
 */
export async function watchFor(ports: Ports, instance: string | undefined): Promise<void> {
  if (instance === undefined) return watch(ports);
  const node = (await readNodes(ports.tables)).find((each) => each.instance === instance);
  if (node !== undefined && node.state !== 'terminating') await watch(ports);
}

/**
 * The level-triggered look at everything that an event may have missed: nodes that died become `dead` and
 * are repaired, jobs without an execution get one, nodes that a dead job left are released, what nodes found
 * damaged on their disks is repaired, orphans are collected, and the scaling is decided.
 */
export async function watch(ports: Ports): Promise<void> {
  // Before the heartbeats are read: a watch that stalls after that must not take its own delay for theirs.
  const now = ports.now();
  const [known, machines, jobs] = await Promise.all([
    readNodesEver(ports.tables),
    ports.machines.list(),
    listJobs(ports.tables),
  ]);
  const fleet = await withBeats(
    ports.tables,
    known.filter(({ state }) => state !== 'gone'),
  );
  await tellNodes(ports);
  const seen = await look(ports, fleet, now);
  const died = await declareDead(ports, fleet, machines, stillMs(fleet, seen, now));
  await endStrays(ports, machines, known);
  await repairDead(ports, jobs, died > 0 ? await readNodes(ports.tables) : fleet);
  await resumeJobs(ports, jobs);
  await releaseStranded(ports, fleet, jobs);
  await liftPauses(ports);
  await pace(ports);
  await autoscale(ports, 'tick');
  await mendDamage(ports, fleet);
  await collectInTurn(ports, fleet);
}

/**
 * What each heartbeat's sequence number was and since when: a beat is judged by standing still on this
 * clock, never by comparing two clocks.
 */
async function look(ports: Ports, fleet: readonly NodeWithBeat[], now: number): Promise<Seen> {
  const [item] = await ports.tables.get([watchKey]);
  const before = item === undefined ? {} : WatchRecord.parse(item).seen;
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

/** By node: for how long its heartbeat has stood still. */
const stillMs = (
  fleet: readonly NodeWithBeat[],
  seen: Seen,
  now: number,
): ReadonlyMap<NodeId, number> =>
  new Map(fleet.map(({ id }) => [id, now - (seen[id]?.since ?? now)]));

/**
 * A terminated machine or another disk is a fact; silence is not. Nothing leads back from `dead`, so silence alone
 * condemns few: when more nodes than may be ill at once fall silent together, it is the heartbeats' way that is
 * broken, or the clock of this watch.
 *
 * @returns how many were found dead
 */
async function declareDead(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  machines: readonly Machine[],
  still: ReadonlyMap<NodeId, number>,
): Promise<number> {
  const { deadAfterMs, unhealthyShareMax } = ports.policy;
  const members = fleet.filter(({ state }) => beating.includes(state));
  const silent = members.filter(({ id }) => still.get(id)! > deadAfterMs / 2);
  const silentMax = Math.max(1, Math.floor(unhealthyShareMax * members.length));
  const isBelievable = silent.length <= silentMax;
  if (!isBelievable) ports.log('silence-not-believed', { silent: silent.length, silentMax });
  let died = 0;
  for (const node of members) {
    const silence = isBelievable ? still.get(node.id)! : 0;
    const why =
      whyLost(node, machines) ??
      (silence > deadAfterMs ? `no heartbeat for ${silence} ms` : undefined);
    if (why === undefined) continue;
    ports.log('node-dead', { node: node.id, why });
    await stepNode(ports, node, 'dead', node.job);
    died++;
  }
  return died;
}

/** What is lost for sure, whatever its heartbeats say. */
function whyLost(node: NodeWithBeat, machines: readonly Machine[]): string | undefined {
  const machine = machines.find(({ instance }) => instance === node.instance);
  if (machine?.state === 'terminated' || machine?.state === 'shutting-down') {
    return `instance ${machine.instance} is ${machine.state}`;
  }
  if (node.beat !== undefined && node.beat.incarnation !== node.incarnation) {
    return `its disk is another one: ${node.beat.incarnation}, not ${node.incarnation}`;
  }
  return undefined;
}

/** A launch that was under way while its node was given up brings a machine that nobody waits for. */
async function endStrays(
  ports: Ports,
  machines: readonly Machine[],
  known: readonly NodeView[],
): Promise<void> {
  const running = machines.filter(({ state }) => state === 'pending' || state === 'running');
  const gone = known.filter(({ state }) => state === 'gone');
  for (const { instance, node } of running.filter((each) =>
    gone.some(({ id }) => id === each.node),
  )) {
    ports.log('stray-machine', { instance, node });
    await ports.machines.terminate(instance);
  }
}

const isOf = (nodes: readonly NodeId[], job: Job): boolean =>
  job.nodes.some((id) => nodes.includes(nodeId(id)));

/**
 * One repair takes all dead nodes that none repairs yet; the jobs that these take part in send nothing more of their
 * plans. Empty ones leave the fleet, as do those that a job left behind on their way out.
 */
async function repairDead(
  ports: Ports,
  jobs: readonly Job[],
  fleet: readonly NodeView[],
): Promise<void> {
  const running = jobs.filter(({ state }) => state === 'running');
  const isCaredFor = ({ id, state }: NodeView): boolean =>
    running.some(
      ({ kind, nodes }) => nodes.includes(id) && (state !== 'dead' || kind === 'repair'),
    );
  const named = await bury(
    ports,
    fleet.filter((node) => isEnding(node) && !isCaredFor(node)),
  );
  if (named.length === 0) return;
  const nodes = named.map(({ id }) => id);
  // First, so that it is done again where this is killed before the repair begins.
  for (const job of running.filter((each) => each.attempt !== '' && isOf(nodes, each)))
    await dropPlan(ports, job);
  await startRepair(ports, nodes, [`${nodes.join(', ')} died`]);
}

/** Starting an execution again is harmless: its name is the job's id. */
async function resumeJobs(ports: Ports, jobs: readonly Job[]): Promise<void> {
  for (const job of jobs.filter(({ state }) => state === 'running')) {
    await ports.workflows.start(workflowOf(job.kind), job.id);
  }
}

/**
 * One node an hour, its disk and its inventory: an orphan costs room and a stale list a read, nothing else, while
 * the look costs a read for each chunk.
 */
async function collectInTurn(ports: Ports, fleet: readonly NodeWithBeat[]): Promise<void> {
  const minute = Math.floor(ports.now() / 60_000);
  if (minute % 60 !== 0) return;
  const active = fleet.filter(({ state }) => state === 'active');
  const node = active[(minute / 60) % active.length];
  if (node === undefined) return;
  await tryCollect(ports, node, orphanAgeMs);
  await tidyInventory(ports, node.id);
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
  for (const job of new Set(stranded.map((node) => jobId(node.job)))) {
    // The jobs may have been read before this one began: only its own record, read now, says that it ended.
    const now = await readJob(ports.tables, job);
    if (now?.state !== 'running') await releaseNodes(ports, job);
  }
}
