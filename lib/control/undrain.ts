import { BatchRecord } from '../contract/job-records.ts';
import { batchPartition, outboxPartition } from '../contract/keys.ts';
import { slotBytes } from '../core/fleet.ts';
import { jobId, type NodeId, nodeId } from '../core/ids.ts';
import type { NodeState } from '../core/lifecycle.ts';
import { bytes } from '../core/units.ts';
import { names, readChunks } from './chunks.ts';
import { type NodeView, readNodes, stepNode } from './fleet.ts';
import { endJob, type Job, listFlights, readJob, workflowOf } from './jobs.ts';
import { parkedRow } from './outbox.ts';
import { queryAll } from './pages.ts';
import type { Ports } from './ports.ts';

/**
 * Undoes the drain of a node: its job is cancelled for all its nodes, they take copies again, and what
 * moved is named where it was wherever the parked copy is still there. The sweep does that
 * (`restore.ts`): no byte moves. What flies at that moment is restored once it has landed. A drain that was
 * cancelled is undone as well, as far as its copies are parked still.
 *
 * @returns `undrained`, or the state of a node that no drain has to give back
 */
export async function undrain(
  ports: Ports,
  node: NodeId,
): Promise<'undrained' | 'unknown' | NodeState> {
  const found = await findNode(ports, node);
  if (found === undefined) return 'unknown';
  const job = await drainOf(ports, found);
  if (job === undefined) return found.state;
  await endJob(ports, job, 'cancelled', { undo: true });
  const isGivenBack =
    found.state === 'active' || (await stepNode(ports, found, 'active', job.id)) === 'stepped';
  await ports.queues.sweep([node], 0);
  if (isGivenBack) return 'undrained';
  // Others stepped it meanwhile: the cancelled job gave it back, or its proof came first.
  const now = await findNode(ports, node);
  if (now === undefined) return 'unknown';
  return now.state === 'active' || now.state === 'draining' ? 'undrained' : now.state;
}

/** The drain that a node is in, or that was cancelled when it gave the node back. */
export async function drainOf(
  ports: Ports,
  { state, job: id }: NodeView,
): Promise<Job | undefined> {
  if (state !== 'draining' && (state !== 'active' || id === '')) return undefined;
  const job = await readJob(ports.tables, jobId(id));
  const isDrain = job !== undefined && workflowOf(job.kind) === 'drain';
  return isDrain && (state === 'draining' || job.state === 'cancelled') ? job : undefined;
}

const findNode = async (ports: Ports, node: NodeId): Promise<NodeView | undefined> =>
  (await readNodes(ports.tables)).find(({ id }) => id === node);

/** What an undrain would name again, and what it would leave where it moved to. */
export interface Restorable {
  readonly movesBack: number;
  readonly bytesBack: number;
  readonly movesStaying: number;
  readonly bytesStaying: number;
}

export async function restorable(ports: Ports, job: Job): Promise<Restorable> {
  const parked = await Promise.all(job.nodes.map((node) => parkedBy(ports, job, nodeId(node))));
  const sizes = parked.flat();
  const moved = await movedBy(ports, job);
  const bytesBack = sizes.reduce((sum, size) => sum + size, 0);
  return {
    movesBack: sizes.length,
    bytesBack,
    movesStaying: Math.max(0, moved.moves - sizes.length),
    bytesStaying: Math.max(0, moved.bytes - bytesBack),
  };
}

/** Sizes of the parked copies of live chunks that the job moved off the node. */
async function parkedBy(ports: Ports, job: Job, node: NodeId): Promise<readonly number[]> {
  const rows = await queryAll(ports.tables, 'placement', outboxPartition(node));
  const chunks = rows.map(parkedRow).flatMap((row) => (row.job === job.id ? row.chunks : []));
  const records = await readChunks(ports.tables, chunks);
  return records.flatMap((record) =>
    record?.state === 'live' && !names(record, node)
      ? [slotBytes(bytes(record.size), record.redundancy)]
      : [],
  );
}

async function movedBy(ports: Ports, { id }: Job) {
  const ended = await queryAll(ports.tables, 'placement', batchPartition(id), 'B#');
  const flying = (await listFlights(ports.tables)).filter(({ job }) => job === id);
  const all = [...ended.map((item) => BatchRecord.parse(item)), ...flying];
  return {
    moves: all.reduce((sum, { movesDone }) => sum + movesDone, 0),
    bytes: all.reduce((sum, { bytesDone }) => sum + bytesDone, 0),
  };
}
