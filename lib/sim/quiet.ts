import {
  chunkKey,
  fleetPartition,
  flightPartition,
  flightPrefix,
  jobPartition,
  nodeKey,
  nodeOfKey,
  outboxPartition,
  trashPartition,
} from '../contract/keys.ts';
import type { ChunkRecord, FileRecord, JobRecord, NodeRecord } from '../contract/records.ts';
import { servesReads } from '../core/lifecycle.ts';
import { recordOf } from './judge.ts';
import type { World } from './world.ts';

/**
 * I10: what is still under way, or was left behind, once faults have stopped. Empty when all is quiet: no
 * job, no flight, no parked copy, no trash, no orphan, every slot on a node that takes part.
 */
export function unfinished(world: World): readonly string[] {
  return [
    ...runningJobs(world),
    ...rows(world, flightPartition, flightPrefix, 'is in flight'),
    ...rows(world, trashPartition, '', 'is trash'),
    ...nodesOnTheirWay(world),
    ...copiesLeft(world),
    ...missingCopies(world),
    ...(world.states.running > 0 ? [`${world.states.running} executions`] : []),
  ];
}

const runningJobs = ({ store }: World): readonly string[] =>
  store
    .all('placement', jobPartition)
    .filter((item) => recordOf<JobRecord>(item).state === 'running')
    .map(({ sk, kind, phase, reasons }) => `${sk} (${kind}) runs: ${phase} ${reasons}`);

const rows = ({ store }: World, pk: string, prefix: string, what: string): readonly string[] =>
  store.all('placement', pk, prefix).map(({ sk }) => `${sk} ${what}`);

function nodesOnTheirWay({ store }: World): readonly string[] {
  const settled: readonly string[] = ['active', 'gone'];
  return store
    .all('placement', fleetPartition)
    .filter((item) => !settled.includes(recordOf<NodeRecord>(item).state))
    .map((item) => `${item.sk} is ${item.state}`);
}

/** Copies on disks that no placement names, and rows that would delete them. */
function copiesLeft(world: World): readonly string[] {
  const left: string[] = [];
  for (const node of world.nodes.values()) {
    const record = world.store.get(nodeKey(node.id));
    if (record === undefined || !servesReads(recordOf<NodeRecord>(record).state)) continue;
    left.push(...rows(world, outboxPartition(node.id), '', `is parked on ${node.id}`));
    for (const chunk of node.disk.held()) {
      const item = world.store.get(chunkKey(chunk));
      const placement = item && recordOf<ChunkRecord>(item);
      const named = placement?.state === 'live' && placement.holders.includes(node.id);
      if (!named) left.push(`${chunk} on ${node.id} is an orphan`);
    }
  }
  return left;
}

/** Holders that lack their copy. Rot that nobody has read yet is not noticed by anybody. */
function missingCopies(world: World): readonly string[] {
  const missing: string[] = [];
  const states = new Map(
    world.store
      .all('placement', fleetPartition)
      .map((item) => [nodeOfKey(item.sk) as string, recordOf<NodeRecord>(item).state]),
  );
  const named = filesChunks(world);
  for (const [chunk, { state, holders }] of world.judge.placements()) {
    if (state !== 'live') continue;
    if (!named.has(chunk)) missing.push(`chunk ${chunk} is live, but no file names it`);
    for (const holder of holders) {
      if (states.get(holder) !== 'active')
        missing.push(`${chunk} on ${holder}, ${states.get(holder)}`);
    }
  }
  return missing;
}

function filesChunks({ store, judge }: World): ReadonlySet<string> {
  const named = new Set<string>();
  for (const item of store.items('files')) {
    for (const { id } of judge.chunksOf(recordOf<FileRecord>(item))) named.add(id);
  }
  return named;
}
