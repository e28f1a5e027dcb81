import type { MoveRecord } from '../contract/job-records.ts';
import { chunkKey, flightKey, outboxKey } from '../contract/keys.ts';
import { ChunkRecord } from '../contract/records.ts';
import { batchId, chunkId, type NodeId } from '../core/ids.ts';
import { isInPlace } from '../core/plan.ts';
import { names } from './chunks.ts';
import { addressOf, type NodeView, stillTakesCopies } from './fleet.ts';
import { listOps } from './inventory.ts';
import { parkedOn } from './outbox.ts';
import { NodeRefused, NodeUnreachable, type Op, type Ports, type Refusal } from './ports.ts';
import { writeKnown } from './write-known.ts';

/** A move that the placement, as it was read, still wants. */
export interface Due {
  readonly move: MoveRecord;
  readonly record: ChunkRecord;
}

/** What a batch got done. */
export interface Carried {
  readonly moves: number;
  readonly bytes: number;
  /** One sentence for each try that failed. */
  readonly failures: readonly string[];
}

export interface MoveCommit {
  readonly job: string;
  readonly batch: string;
  /** Fencing token of the message that is worked on. */
  readonly token: number;
  readonly from: NodeId;
  readonly to: NodeView;
  /** Durable, read back and matched on `to`. */
  readonly group: readonly Due[];
}

/**
 * Makes `to` the holder of a group of slots, in one transaction: the placements under the versions that
 * were read, the destination's inventory and guard, the row that will delete the source's copies, and
 * the flight's sign of life. Chunks that changed meanwhile drop out, and the rest is tried again.
 * A slot that is mended in place keeps its holder, whose inventory has it: its placement's version rises, no more.
 *
 * @returns what was committed, or `superseded` when a newer message carries the batch
 * @throws OutcomeUnknown, TryLater
 */
export async function commitMoves(
  ports: Ports,
  commit: MoveCommit,
): Promise<Carried | 'superseded'> {
  let group = commit.group;
  const failures: string[] = [];
  while (group.length > 0) {
    const operation = ports.newId();
    const ops = opsOf(ports, { ...commit, group }, operation);
    const outcome = await writeKnown(ports.tables, ops, operation);
    if (outcome === 'committed') {
      ports.log('moves-committed', { moves: group.length, bytes: bytesOf(group) });
      return { moves: group.length, bytes: bytesOf(group), failures };
    }
    const verdict = judge(ops, group, outcome);
    if (verdict === 'superseded') return verdict;
    if (verdict === 'holder-left') {
      return {
        moves: 0,
        bytes: 0,
        failures: [...failures, `${commit.to.id} takes no copies any more`],
      };
    }
    await discard(ports, commit.to, verdict.stale);
    group = group.filter((due) => !verdict.stale.some(({ chunk }) => chunk === due.move.chunk));
  }
  return { moves: 0, bytes: 0, failures };
}

const bytesOf = (group: readonly Due[]): number =>
  group.reduce((sum, { move }) => sum + move.bytes, 0);

/** Chunk ops first, one for each of the group in its order: {@link judge} counts on it. */
function opsOf(ports: Ports, commit: MoveCommit, operation: string): readonly Op[] {
  const { from, to, group } = commit;
  const now = ports.now();
  return [
    ...group.map((due) => placeOn(to.id, due, operation)),
    stillTakesCopies(to, now),
    ...(isInPlace({ from, to: to.id }) ? [] : handOver(ports, commit, operation)),
    {
      op: 'update',
      key: flightKey(batchId(commit.batch)),
      set: { aliveAt: now, committedAt: now, lastOp: operation },
      add: { movesDone: group.length, bytesDone: bytesOf(group) },
      when: { token: commit.token },
    },
  ];
}

/** The slots enter the inventory of `to`, and the copies of `from` are parked. */
const handOver = (ports: Ports, { job, from, to, group }: MoveCommit, operation: string): Op[] => [
  ...listOps(
    group.map(({ move }) => ({ chunk: chunkId(move.chunk), holders: [to.id] })),
    operation,
  ),
  {
    op: 'put',
    key: outboxKey(from, operation),
    fields: {
      chunks: group.map(({ move }) => move.chunk),
      versions: [],
      slots: group.map(({ move }) => move.slot),
      job,
      movedAt: ports.now(),
      notBefore: ports.now() + ports.policy.parkingMs,
      lastOp: operation,
    },
  },
];

const placeOn = (to: NodeId, { move, record }: Due, operation: string): Op => ({
  op: 'update',
  key: chunkKey(chunkId(move.chunk)),
  set: {
    holders: record.holders.map((holder, slot) => (slot === move.slot ? to : holder)),
    version: record.version + 1,
    lastOp: operation,
  },
  when: { state: 'live', version: record.version },
});

interface Stale {
  readonly chunk: string;
  /** The placement as the refusal showed it. */
  readonly record: ChunkRecord | undefined;
}

function judge(
  ops: readonly Op[],
  group: readonly Due[],
  refusals: readonly Refusal[],
): 'superseded' | 'holder-left' | { readonly stale: readonly Stale[] } {
  const refused = refusals.map(({ op }) => ops[op]!.op);
  const stale = refusals.flatMap(({ op, current }) => {
    const due = group[op];
    if (due === undefined) return [];
    return [{ chunk: due.move.chunk, record: current && ChunkRecord.parse(current) }];
  });
  if (refused.includes('check')) return 'holder-left';
  return stale.length === 0 ? 'superseded' : { stale };
}

/**
 * Takes back copies whose commit was surely refused. The version of the refusing placement is at or above
 * the fence that the copy raised, so the node obeys, unless a newer commit is on its way to it. What the
 * node had parked before the copy came stays.
 */
async function discard(ports: Ports, to: NodeView, stale: readonly Stale[]): Promise<void> {
  const removals = stale.flatMap(({ chunk, record }) =>
    record === undefined || names(record, to.id)
      ? []
      : [{ chunk: chunkId(chunk), version: record.version }],
  );
  if (removals.length === 0) return;
  const parked = await parkedOn(ports.tables, to.id);
  const unparked = removals.filter(({ chunk }) => !parked.has(chunk));
  if (unparked.length === 0) return;
  try {
    await ports.nodes.remove(addressOf(to), unparked);
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    ports.log('orphans-left', { node: to.id, chunks: removals.length, reason: error.message });
  }
}
