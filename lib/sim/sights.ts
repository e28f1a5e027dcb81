import type { JobRecord } from '../contract/job-records.ts';
import {
  fleetPartition,
  jobOfKey,
  jobPartition,
  nodeOfKey,
  outboxPartition,
} from '../contract/keys.ts';
import type { NodeRecord } from '../contract/records.ts';
import type { JobId, NodeId } from '../core/ids.ts';
import { recordOf } from './judge.ts';
import type { Store } from './store.ts';

/** Nodes that take copies. */
export const activeNodes = (store: Store): readonly NodeId[] =>
  nodes(store)
    .filter(({ state }) => state === 'active')
    .map(({ node }) => node);

/** Those that drain, or that a drain gave back, and that keep parked copies of it. */
export const undrainable = (store: Store): readonly SeenNode[] =>
  nodes(store).filter(
    ({ node, state, job }) =>
      (state === 'draining' || state === 'active') && job !== '' && hasParked(store, node, job),
  );

interface SeenNode extends NodeRecord {
  readonly node: NodeId;
}

const nodes = (store: Store): readonly SeenNode[] =>
  store
    .all('placement', fleetPartition)
    .map((item) => ({ ...recordOf<NodeRecord>(item), node: nodeOfKey(item.sk) }));

const hasParked = (store: Store, node: NodeId, job: string): boolean =>
  store.all('placement', outboxPartition(node)).some((row) => row.job === job);

export const runningJobs = (store: Store): readonly JobId[] =>
  store
    .all('placement', jobPartition)
    .filter((item) => recordOf<JobRecord>(item).state === 'running')
    .map(({ sk }) => jobOfKey(sk));
