import { type FlightRecord, OutcomeRecord, type PaceRecord } from '../contract/job-records.ts';
import { outcomeKey, outcomePartition } from '../contract/keys.ts';
import { adapt, adaptEveryMs } from '../core/adaptive.ts';
import { type BatchId, nodeId } from '../core/ids.ts';
import type { FixedScheduling } from '../core/scheduling-policies.ts';
import type { Op, Ports } from './ports.ts';
import type { Traffic } from './traffic.ts';

/** Outcomes are of use while they are among the newest hundred; a day later they are history. */
const keepSeconds = 24 * 3_600;

/** Written with the end of a batch, when the policy learns from it. */
export function outcomeOps(
  ports: Ports,
  batch: BatchId,
  flight: FlightRecord,
  bytesDone: number,
): readonly Op[] {
  if (ports.policy.scheduling !== 'adaptive' || bytesDone === 0) return [];
  const { scheduling, from, to, importance, deadline, plannedAt, startedAt } = flight;
  const endedAt = ports.now();
  const outcome: OutcomeRecord = {
    ...{ scheduling, from, to, importance, deadline, plannedAt, startedAt, endedAt },
    bytes: bytesDone,
  };
  const expiresAt = Math.floor(endedAt / 1_000) + keepSeconds;
  return [{ op: 'put', key: outcomeKey(endedAt, batch), fields: { ...outcome, expiresAt } }];
}

type Adapting = PaceRecord['adapting'];

/** The rule in force, and what is to be remembered of how it was chosen. */
export async function schedulingNow(
  ports: Ports,
  { paced, pending }: Traffic,
): Promise<{ readonly scheduling: FixedScheduling; readonly adapting: Adapting }> {
  const { policy } = ports;
  const { adapting } = paced;
  if (policy.scheduling !== 'adaptive') return { scheduling: policy.scheduling, adapting };
  const now = ports.now();
  if (pending.length === 0 || now - adapting.decidedAt < adaptEveryMs)
    return { scheduling: adapting.scheduling, adapting };
  // One page: the newest come first, and a page holds far more than the hundred that count.
  const { items } = await ports.tables.query('placement', outcomePartition);
  const outcomes = items
    .map((item) => OutcomeRecord.parse(item))
    .map((each) => ({ ...each, from: nodeId(each.from), to: nodeId(each.to) }));
  const deadlines = pending.map(({ job }) => job.deadline).filter((deadline) => deadline > 0);
  const nextDeadline = deadlines.length > 0 ? Math.min(...deadlines) : undefined;
  const next = adapt(adapting, { outcomes, now, nextDeadline, budgets: policy });
  ports.log('scheduling-adapted', { ...next, before: adapting.scheduling });
  return { scheduling: next.scheduling, adapting: next };
}
