import { PendingRecord } from '../contract/job-records.ts';
import { batchPartition, pendingPrefixOf } from '../contract/keys.ts';
import {
  type DrainWork,
  endsBy,
  estimateDrain,
  type OtherLoad,
  whatGives,
} from '../core/deadline.ts';
import type { Estimate, Past } from '../core/estimate.ts';
import { jobId, type NodeId, nodeId } from '../core/ids.ts';
import type { Block, Plan } from '../core/plan.ts';
import type { Remedy } from '../core/remedy.ts';
import { type EpochMillis, epochMillis } from '../core/units.ts';
import { type Job, listFlights, listJobs } from './jobs.ts';
import { type DrainView, observeDrain, remediesOf } from './observe.ts';
import { queryAll } from './pages.ts';
import type { Ports, Tables } from './ports.ts';

/** Whether a drain may happen, before a byte moves: with how long it takes, or with what would have to give. */
export interface DrainAnswer {
  readonly plan: Plan;
  readonly estimate: Estimate;
  readonly blocks: readonly Block[];
  readonly remedies: readonly Remedy[];
}

/**
 * @param deadline epoch milliseconds by which nothing shall be left on the nodes, nine times in ten; 0 for
 * none. Parking and termination come after it: they put no data at risk.
 */
export async function answerDrain(
  ports: Ports,
  nodes: readonly NodeId[],
  deadline = 0,
): Promise<DrainAnswer> {
  const jobs = await listJobs(ports.tables);
  const view = await observeDrain(ports, nodes, jobs);
  const { plan } = view;
  if (plan.blocks.length > 0) {
    const estimate = { boundMs: 0, p50Ms: 0, p90Ms: 0, learnedFrom: 0 };
    return { plan, estimate, blocks: plan.blocks, remedies: remediesOf(ports, view, nodes) };
  }
  const work = await workOf(ports, view, nodes, jobs);
  const estimate = estimateDrain(work);
  const now = ports.now();
  if (deadline === 0 || endsBy(work, now, deadline) <= deadline)
    return { plan, estimate, blocks: [], remedies: [] };
  const block = tooLate(estimate, now, epochMillis(deadline));
  const remedies = whatGives(work, now, epochMillis(deadline));
  return { plan, estimate, blocks: [block], remedies };
}

const tooLate = ({ p50Ms, p90Ms }: Estimate, now: EpochMillis, deadline: EpochMillis): Block => ({
  kind: 'too-late',
  deadline,
  availableMs: Math.max(0, deadline - now),
  p50Ms,
  p90Ms,
});

/** All that an estimate of the drain needs. @param jobs all but the drain's own */
export async function workOf(
  ports: Ports,
  { map, plan }: DrainView,
  leaving: readonly NodeId[],
  jobs: readonly Job[],
): Promise<DrainWork> {
  const others = await loadOf(ports.tables, jobs);
  const { policy } = ports;
  const work = { fleet: map, leaving, plan, fillHard: policy.fillHard };
  const clientsMs = [policy.graceMs, policy.connectionsLimitMs];
  return { ...work, others, budgets: policy, past: pastOf(jobs), clientsMs };
}

/** What running jobs have waiting and in flight. */
async function loadOf(tables: Tables, jobs: readonly Job[]): Promise<readonly OtherLoad[]> {
  const running = jobs.filter(({ state, attempt }) => state === 'running' && attempt !== '');
  if (running.length === 0) return [];
  const pending = await Promise.all(running.map((job) => pendingOf(tables, job)));
  const flying = (await listFlights(tables)).filter(({ job }) => jobs.some(({ id }) => id === job));
  return [
    ...pending.flat(),
    ...flying.map((flight) => ({
      job: jobId(flight.job),
      from: nodeId(flight.from),
      to: nodeId(flight.to),
      bytes: Math.max(0, flight.bytes - flight.bytesDone),
    })),
  ];
}

async function pendingOf(tables: Tables, { id, attempt }: Job): Promise<readonly OtherLoad[]> {
  const prefix = pendingPrefixOf(attempt);
  const items = await queryAll(tables, 'placement', batchPartition(id), prefix);
  return items
    .map((item) => PendingRecord.parse(item))
    .map(({ from, to, bytes: size }) => ({
      ...{ job: id, from: nodeId(from), to: nodeId(to), bytes: size },
    }));
}

/** Of jobs that moved all they had to, the newest first. */
const pastOf = (jobs: readonly Job[]): readonly Past[] =>
  jobs
    .filter(({ state, moveBoundMs, movedAt }) => state === 'done' && moveBoundMs > 0 && movedAt > 0)
    .toReversed()
    .map(({ moveBoundMs, movingSince, movedAt }) => ({
      boundMs: moveBoundMs,
      tookMs: Math.max(0, movedAt - movingSince),
    }));
