import type { NewEvent } from '../contract/events.ts';
import { jobKey, machineNoticeKey } from '../contract/keys.ts';
import { MachineNoticeRecord } from '../contract/records.ts';
import { explainIgnored, explainNotice } from '../core/explain-notice.ts';
import { type JobId, jobId, type NodeId } from '../core/ids.ts';
import {
  type Answer,
  answerMachines,
  type Haste,
  type MachineNotice,
  type Notice,
} from '../core/notice.ts';
import { eventOp } from './events.ts';
import { type NodeView, readNodesEver } from './fleet.ts';
import { type Job, listJobs, workflowOf } from './jobs.ts';
import { nodesPerNotice, noticeTriesMax, tombstoneSeconds } from './limits.ts';
import { type Op, type Ports, TryLater } from './ports.ts';
import { openJobOp } from './start-job.ts';
import { writeKnown } from './write-known.ts';
import { heedZone } from './zone-notice.ts';

/**
 * Does what AWS's notice of a machine or a zone asks for. The notice is a hint: fleet and jobs are read now,
 * and each write holds only while they are as read. Again, late or of a stranger it changes nothing; killed
 * anywhere, the same notice again or the watch takes it further.
 *
 * @returns what was decided
 * @throws TryLater
 */
export const heed = (ports: Ports, notice: Notice): Promise<readonly Answer[]> =>
  'instances' in notice ? heedMachines(ports, notice) : heedZone(ports, notice);

/** Everything that a decision was made from, as it was read. */
interface View {
  readonly notice: MachineNotice;
  readonly nodes: readonly HeardNode[];
  readonly running: readonly Job[];
}
interface HeardNode extends NodeView {
  readonly heard: MachineNoticeRecord | undefined;
  readonly heardAt: number;
}
type Outcome = 'done' | 'stale';

async function heedMachines(ports: Ports, notice: MachineNotice): Promise<readonly Answer[]> {
  for (let tried = 1; tried <= noticeTriesMax; tried++) {
    const view = await look(ports, notice);
    const answers = answerMachines(notice, view.nodes, view.running, ports.policy, ports.now());
    const outcomes: Outcome[] = [];
    for (const answer of answers) outcomes.push(await act(ports, view, answer));
    if (!outcomes.includes('stale')) return answers;
  }
  throw new TryLater(`fleet and jobs changed ${noticeTriesMax} times while a notice was heeded`);
}

async function look(ports: Ports, notice: MachineNotice): Promise<View> {
  const [known, jobs] = await Promise.all([readNodesEver(ports.tables), listJobs(ports.tables)]);
  const named = known.filter(({ instance }) => notice.instances.includes(instance));
  const items = await ports.tables.get(named.map(({ id }) => machineNoticeKey(id)));
  const nodes = named.map((node, i): HeardNode => {
    const heard = items[i] && MachineNoticeRecord.parse(items[i]);
    return { ...node, heard, heardAt: heard?.heard[notice.kind] ?? 0 };
  });
  return { notice, nodes, running: jobs.filter(({ state }) => state === 'running') };
}

async function act(ports: Ports, view: View, answer: Answer): Promise<Outcome> {
  if (answer.kind === 'drain') return begin(ports, view, answer.nodes, answer.haste);
  if (answer.kind === 'hasten') return hasten(ports, view, answer);
  if (answer.kind !== 'ignore') return 'done';
  const { why } = answer;
  ports.log('notice-ignored', { notice: view.notice.kind, why: explainIgnored(why) });
  if (why.kind === 'already-sooner') await run(ports, view, why.job);
  return 'done';
}

/** Whoever opened the job may have been killed before its execution began; the second start is harmless. */
async function run(ports: Ports, { running }: View, id: JobId): Promise<void> {
  const job = running.find((each) => each.id === id);
  if (job !== undefined) await ports.workflows.start(workflowOf(job.kind), id);
}

/** One drain for all nodes of the notice. Two notices that name a node do not both begin one. */
async function begin(
  ports: Ports,
  view: View,
  nodes: readonly NodeId[],
  haste: Haste,
): Promise<Outcome> {
  const some = nodes.slice(0, nodesPerNotice);
  const now = ports.now();
  const id = jobId(ports.newId());
  const reasons = [explainNotice(view.notice, haste.deadline)];
  const outcome = await writeKnown(
    ports.tables,
    [
      openJobOp(id, { kind: 'drain', nodes: some, reasons, ...haste }, now),
      ...some.map((node) => markOp(view, node, id, now)),
      eventOp(id, leaving(id, some, haste, reasons), now),
    ],
    id,
  );
  if (outcome !== 'committed') return 'stale';
  ports.log('machine-leaving', { notice: view.notice.kind, job: id, nodes: some, ...haste });
  await ports.workflows.start('drain', id);
  return some.length < nodes.length ? 'stale' : 'done';
}

/** Remembers that this notice of this node was heeded, if nobody heeded another one meanwhile. */
function markOp({ notice, nodes }: View, id: NodeId, operation: string, now: number): Op {
  const before = nodes.find((node) => node.id === id)?.heard;
  return {
    op: 'put',
    key: machineNoticeKey(id),
    fields: {
      heard: { ...before?.heard, [notice.kind]: notice.at },
      expiresAt: Math.floor(now / 1000) + tombstoneSeconds,
      lastOp: operation,
    },
    when: before === undefined ? 'absent' : { lastOp: before.lastOp },
  };
}

const leaving = (
  job: JobId,
  nodes: readonly string[],
  { deadline, priority }: Haste,
  reasons: readonly string[],
): NewEvent => ({
  type: 'Machine Leaving',
  detail: { job, nodes: [...nodes], deadline, priority, reasons: [...reasons] },
});

/** Reasons that a job shows. */
const reasonsKept = 8;

/** What is not yet sent is ranked by the job's record as it then is; what is in flight goes on. */
async function hasten(
  ports: Ports,
  view: View,
  { job: id, node, haste }: Extract<Answer, { readonly kind: 'hasten' }>,
): Promise<Outcome> {
  const job = view.running.find((each) => each.id === id)!;
  const now = ports.now();
  const operation = ports.newId();
  const reason = explainNotice(view.notice, haste.deadline);
  const set = { ...haste, reasons: [...job.reasons.slice(0, reasonsKept - 1), reason] };
  const when = { state: 'running', lastOp: job.lastOp };
  const outcome = await writeKnown(
    ports.tables,
    [
      { op: 'update', key: jobKey(id), set: { ...set, lastOp: operation }, when },
      markOp(view, node, operation, now),
      eventOp(operation, leaving(id, [node], haste, [reason]), now),
    ],
    operation,
  );
  if (outcome !== 'committed') return 'stale';
  ports.log('machine-leaving', { notice: view.notice.kind, job: id, nodes: [node], ...haste });
  await run(ports, view, id);
  return 'done';
}
