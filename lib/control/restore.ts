import type { Renewal } from '../contract/agent.ts';
import { chunkKey, jobKey, outboxKey } from '../contract/keys.ts';
import type { ChunkRecord } from '../contract/records.ts';
import { assert } from '../core/assert.ts';
import { slotBytes } from '../core/fleet.ts';
import { type ChunkId, jobId, type NodeId, nodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { mayReturn } from '../core/may-return.ts';
import { bytes } from '../core/units.ts';
import { holdersOf, names, readChunks, slotSha256 } from './chunks.ts';
import { addressOf, type NodeView, stillTakesCopies } from './fleet.ts';
import { listOps } from './inventory.ts';
import { bytesPerRenewal, chunksPerRestore } from './limits.ts';
import type { ParkedRow } from './outbox.ts';
import { type Op, opsMax, type Ports } from './ports.ts';
import { writeKnown } from './write-known.ts';

/** A parked copy, and the placement as it was read: it may name the copy's node again. */
interface Parked {
  readonly chunk: ChunkId;
  readonly slot: number;
  readonly record: ChunkRecord | undefined;
}
interface Returning extends Parked {
  readonly record: ChunkRecord;
}

/** Two ops a chunk at worst, and: the inventory list, guard, the row, what stays of it, the job's count. */
assert(chunksPerRestore * 2 + 5 <= opsMax, 'a restoring fits one transaction');

/**
 * Undoes moves away from `node` whose source copies are still parked on it: the placement names it again,
 * and no byte moves. The node reads each copy back and raises its fence to the version that the
 * transaction will make, so that no delete that is still under way destroys what is named again; then
 * placement, inventory, both outboxes and the node's guard change together. What cannot come back stays
 * parked as an ordinary row. Killed anywhere, or run beside another, it goes on from the rows.
 *
 * @returns `again` when a placement changed meanwhile: the row is still there
 * @throws NodeUnreachable, NodeRefused, OutcomeUnknown, TryLater
 */
export async function restoreRow(
  ports: Ports,
  nodes: readonly NodeView[],
  node: NodeView,
  row: ParkedRow,
): Promise<'restored' | 'again'> {
  const group = row.chunks.slice(0, chunksPerRestore);
  const records = await readChunks(ports.tables, group);
  const copies = group.map(
    (chunk, i): Parked => ({ chunk, slot: row.slots[i]!, record: records[i] }),
  );
  const wanted = copies.filter((copy): copy is Returning => isLost(nodes, node, copy));
  const returning = await renewed(ports, node, wanted);
  const operation = ports.newId();
  const ops = opsOf(ports, { node, row, copies, returning }, operation);
  if ((await writeKnown(ports.tables, ops, operation)) !== 'committed') return 'again';
  const left = copies.length - returning.length;
  ports.log('copies-restored', { node: node.id, chunks: returning.length, left });
  const holders = [...new Set(returning.map(holderOf))];
  if (holders.length > 0) await ports.queues.sweep(holders, ports.policy.parkingMs);
  const rest = restOf(row, operation);
  return rest === undefined ? 'restored' : restoreRow(ports, nodes, node, rest);
}

const holderOf = ({ record, slot }: Returning): NodeId => nodeId(record.holders[slot]!);

/** What of the row one transaction leaves for the next. */
function restOf(row: ParkedRow, operation: string): ParkedRow | undefined {
  if (row.chunks.length <= chunksPerRestore) return undefined;
  const [chunks, slots] = [row.chunks.slice(chunksPerRestore), row.slots.slice(chunksPerRestore)];
  return { ...row, chunks, slots, lastOp: operation };
}

/** Gone from the node by the placement, and welcome back. */
function isLost(nodes: readonly NodeView[], node: NodeView, { record, slot }: Parked): boolean {
  if (record?.state !== 'live' || names(record, node.id) || record.holders[slot] === undefined)
    return false;
  const serving = new Map(
    nodes.filter(({ state }) => servesReads(state)).map(({ id, zone }) => [id, zone]),
  );
  const zones = holdersOf(record).map((holder) => serving.get(holder));
  return mayReturn(zones, slot, node.zone, record.redundancy);
}

/** Those that the node read back and fenced. A receipt counts only for what was asked, on the disk that joined. */
async function renewed(
  ports: Ports,
  node: NodeView,
  wanted: readonly Returning[],
): Promise<readonly Returning[]> {
  const answers: Renewal[] = [];
  for (const group of requestsOf(wanted)) {
    const renewals = group.map(({ chunk, slot, record }) => ({
      ...{ chunk, slot, sha256: slotSha256(record, slot), epoch: record.version + 1 },
    }));
    answers.push(...(await ports.nodes.renew(addressOf(node), renewals)));
  }
  const receipts = answers.flatMap((each) => (each.outcome === 'renewed' ? [each.receipt] : []));
  return wanted.filter(({ chunk, slot, record }) =>
    receipts.some(
      (receipt) =>
        receipt.chunk === chunk &&
        receipt.sha256 === slotSha256(record, slot) &&
        receipt.epoch === record.version + 1 &&
        receipt.incarnation === node.incarnation,
    ),
  );
}

const bytesOf = ({ record }: Returning): number => slotBytes(bytes(record.size), record.redundancy);

/** As many copies a request as a slow disk reads in good time. */
function requestsOf(copies: readonly Returning[]): readonly (readonly Returning[])[] {
  const groups: Returning[][] = [];
  let left = 0;
  for (const copy of copies) {
    const size = bytesOf(copy);
    if (groups.length === 0 || size > left) {
      groups.push([]);
      left = bytesPerRenewal;
    }
    groups.at(-1)!.push(copy);
    left -= size;
  }
  return groups;
}

interface Restoring {
  readonly node: NodeView;
  readonly row: ParkedRow;
  /** All that the transaction takes out of the row. */
  readonly copies: readonly Parked[];
  readonly returning: readonly Returning[];
}

function opsOf(ports: Ports, restoring: Restoring, operation: string): readonly Op[] {
  const { node, row, copies, returning } = restoring;
  const staying = copies.filter(
    (copy) => !returning.some(({ chunk }) => chunk === copy.chunk) && !names(copy.record, node.id),
  );
  const now = ports.now();
  const bytesRestored = returning.reduce((sum, copy) => sum + bytesOf(copy), 0);
  const count = { movesRestored: returning.length, bytesRestored };
  const surplus = Map.groupBy(returning, holderOf);
  return [
    ...returning.map((copy) => placeBack(node.id, copy, operation)),
    ...listOps(
      returning.map(({ chunk }) => ({ chunk, holders: [node.id] })),
      operation,
    ),
    ...[...surplus].map(([holder, group]) =>
      parkOp(holder, group, {
        ...{ operation, movedAt: now, notBefore: now + ports.policy.parkingMs },
      }),
    ),
    stillTakesCopies(node, now),
    rowOp(node.id, row, operation),
    ...(staying.length > 0 ? [parkOp(node.id, staying, { ...row, operation })] : []),
    { op: 'update', key: jobKey(jobId(row.job)), add: count, when: { undo: true } },
  ];
}

const placeBack = (node: NodeId, { chunk, slot, record }: Returning, operation: string): Op => ({
  op: 'update',
  key: chunkKey(chunk),
  set: {
    holders: record.holders.map((holder, at) => (at === slot ? node : holder)),
    version: record.version + 1,
    lastOp: operation,
  },
  when: { state: 'live', version: record.version },
});

const parkOp = (
  node: NodeId,
  copies: readonly Parked[],
  { operation, movedAt, notBefore }: Pick<ParkedRow, 'operation' | 'movedAt' | 'notBefore'>,
): Op => ({
  op: 'put',
  key: outboxKey(node, operation),
  fields: {
    chunks: copies.map(({ chunk }) => chunk),
    versions: [],
    slots: copies.map(({ slot }) => slot),
    job: '',
    movedAt,
    notBefore,
    lastOp: operation,
  },
});

/** The row as it was read loses what this transaction settles: whoever swept or restored it first has it. */
function rowOp(node: NodeId, row: ParkedRow, operation: string): Op {
  const key = outboxKey(node, row.operation);
  const when = { lastOp: row.lastOp };
  const rest = restOf(row, operation);
  if (rest === undefined) return { op: 'delete', key, when };
  const { chunks, slots } = rest;
  return { op: 'update', key, set: { chunks, slots, lastOp: operation }, when };
}
