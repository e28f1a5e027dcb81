import type { NewEvent } from '../contract/events.ts';
import {
  fleetPartition,
  guardCopies,
  guardKey,
  heartbeatKey,
  type Key,
  nodeKey,
  nodeOfKey,
} from '../contract/keys.ts';
import { HeartbeatRecord, NodeRecord } from '../contract/records.ts';
import { assert } from '../core/assert.ts';
import type { NodeId, Zone } from '../core/ids.ts';
import { zone } from '../core/ids.ts';
import { mayStep, type NodeState } from '../core/lifecycle.ts';
import { eventOp } from './events.ts';
import { queryAll } from './pages.ts';
import type { Item, NodeAddress, Op, Ports, Tables } from './ports.ts';
import { writeKnown } from './write-known.ts';

export interface NodeView extends Omit<NodeRecord, 'zone'> {
  readonly id: NodeId;
  readonly zone: Zone;
}

/** A node and what it last said of itself; `undefined` before its first heartbeat. */
export interface NodeWithBeat extends NodeView {
  readonly beat: HeartbeatRecord | undefined;
}

export function nodeView(item: Item): NodeView {
  const record = NodeRecord.parse(item);
  return { ...record, id: nodeOfKey(item.sk), zone: zone(record.zone) };
}

/** Every node that is not gone, by one consistent query. */
export async function readNodes(tables: Tables): Promise<readonly NodeView[]> {
  return (await readNodesEver(tables)).filter((node) => node.state !== 'gone');
}

/** As {@link readNodes}, with those that are gone and not yet forgotten. */
export async function readNodesEver(tables: Tables): Promise<readonly NodeView[]> {
  return (await queryAll(tables, 'placement', fleetPartition)).map(nodeView);
}

/** As {@link readNodes}, with heartbeats. */
export const readFleet = async (tables: Tables): Promise<readonly NodeWithBeat[]> =>
  withBeats(tables, await readNodes(tables));

/** Nodes that were just read, with their heartbeats. One that says nothing that can be read is silent. */
export async function withBeats(
  tables: Tables,
  nodes: readonly NodeView[],
): Promise<readonly NodeWithBeat[]> {
  const beats = await tables.get(nodes.map((node) => heartbeatKey(node.id)));
  return nodes.map((node, i) => ({
    ...node,
    beat: HeartbeatRecord.safeParse(beats[i]).data,
  }));
}

export const addressOf = (node: NodeView): NodeAddress => ({
  node: node.id,
  address: node.address,
});

/** The guard copy that one operation checks: spread by the operation, so that commits do not conflict. */
export const guardFor = (node: NodeId, operation: number): Key =>
  guardKey(node, operation % guardCopies);

/** A commit that names `node` as a new holder holds only while the node takes copies in this epoch. */
export const stillTakesCopies = (node: NodeView, operation: number): Op => ({
  op: 'check',
  key: guardFor(node.id, operation),
  when: { state: 'active', epoch: node.epoch },
});

const guardsOf = (node: NodeId, state: NodeState, epoch: number): readonly Op[] =>
  Array.from({ length: guardCopies }, (_, copy) => ({
    op: 'put',
    key: guardKey(node, copy),
    fields: { state, epoch },
  }));

/** Writes a node's record as the ledger of its launch. A second time is the first. */
export async function enrolNode(ports: Ports, node: NodeId, record: NodeRecord): Promise<void> {
  await writeKnown(
    ports.tables,
    [
      { op: 'put', key: nodeKey(node), fields: record, when: 'absent' },
      ...guardsOf(node, record.state, record.epoch),
    ],
    record.lastOp,
  );
}

type Changes = Partial<Pick<NodeRecord, 'capacity' | 'incarnation' | 'address' | 'instance'>> & {
  /** When a table may forget the item, epoch seconds. */
  readonly expiresAt?: number;
};

/** What the world is told of a step, if anything. */
function eventOfStep(node: NodeView, to: NodeState, job: string): readonly NewEvent[] {
  const { id, zone: where, instance, state: from } = node;
  const detail = { node: id, zone: where, instance, from, job };
  const tell = (type: NodeEventType): readonly NewEvent[] => [{ type, detail }];
  if (to === 'active') return tell(from === 'joining' ? 'Node Joined' : 'Node Returned');
  const type = eventTypeByState[to];
  return type === undefined ? [] : tell(type);
}

type NodeEventType = Extract<NewEvent['type'], `Node ${string}`>;

const eventTypeByState: Readonly<Partial<Record<NodeState, NodeEventType>>> = {
  draining: 'Node Draining',
  drained: 'Node Drained',
  dead: 'Node Dead',
  gone: 'Node Gone',
};

/**
 * Takes a node one legal step on. The record and all its guards change together, under the epoch that was
 * read; the epoch rises, so a commit that was built before the step is refused after it.
 */
export async function stepNode(
  ports: Ports,
  node: NodeView,
  to: NodeState,
  job: string,
  changes: Changes = {},
): Promise<'stepped' | 'stale'> {
  assert(mayStep(node.state, to), `no step leads from ${node.state} to ${to}`);
  const epoch = node.epoch + 1;
  const operation = ports.newId();
  const outcome = await writeKnown(
    ports.tables,
    [
      {
        op: 'update',
        key: nodeKey(node.id),
        set: { ...changes, state: to, epoch, job, since: ports.now(), lastOp: operation },
        when: { state: node.state, epoch: node.epoch },
      },
      ...guardsOf(node.id, to, epoch),
      ...eventOfStep(node, to, job).map((event) => eventOp(operation, event, ports.now())),
    ],
    operation,
  );
  if (outcome !== 'committed') return 'stale';
  ports.log('node-stepped', { node: node.id, from: node.state, to, epoch, job });
  return 'stepped';
}
