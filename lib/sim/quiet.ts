import type { JobRecord } from '../contract/job-records.ts';
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
import {
  type ChunkRecord,
  type FileRecord,
  type NodeRecord,
  TrashRecord,
} from '../contract/records.ts';
import { servesReads } from '../core/lifecycle.ts';
import { recordOf } from './judge.ts';
import type { World } from './world.ts';

/**
 * I10: what is still under way, or was left behind, once faults have stopped. Empty when all is quiet: no
 * job, no flight, no parked copy, no trash but what a killed upload left, no orphan, every slot on a node that takes part.
 */
export function unfinished(world: World): readonly string[] {
  return [
    ...runningJobs(world),
    ...rows(world, flightPartition, flightPrefix, 'is in flight'),
    ...trash(world).flatMap(({ sk, isIntent }) => (isIntent ? [] : [`${sk} is trash`])),
    ...doomedFiles(world),
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

/** Holders that do not take part, or whose copy rots though no repair was given up of late. */
function missingCopies(world: World): readonly string[] {
  const missing: string[] = [];
  const states = new Map(
    world.store
      .all('placement', fleetPartition)
      .map((item) => [nodeOfKey(item.sk) as string, recordOf<NodeRecord>(item).state]),
  );
  const rotten = rottenCopies(world);
  const named = filesChunks(world);
  for (const { chunks } of trash(world)) for (const chunk of chunks) named.add(chunk);
  for (const [chunk, { state, holders }] of world.judge.placements()) {
    if (state !== 'live') continue;
    if (!named.has(chunk))
      missing.push(`chunk ${chunk} is live, but neither a file nor an upload names it`);
    for (const holder of holders) {
      if (states.get(holder) !== 'active')
        missing.push(`${chunk} on ${holder}, ${states.get(holder)}`);
      else if (rotten.has(`${holder} ${chunk}`)) missing.push(`${chunk} on ${holder} is damaged`);
    }
  }
  return missing;
}

/** As `node chunk`. Those that a repair names which was given up are left to it for an hour. */
function rottenCopies(world: World): ReadonlySet<string> {
  const named = world.store
    .all('placement', jobPartition)
    .map((item) => recordOf<JobRecord>(item))
    .filter(({ state }) => state !== 'done')
    .flatMap(({ damaged }) => damaged.map(({ node, chunk }) => `${node} ${chunk}`));
  const left = new Set(named);
  const rotten = [...world.nodes.values()].flatMap((node) =>
    node.disk.damaged().map((chunk) => `${node.id} ${chunk}`),
  );
  return new Set(rotten.filter((copy) => !left.has(copy)));
}

/** Chunks that a file needs and a row of the trash would remove. */
function doomedFiles(world: World): readonly string[] {
  const named = filesChunks(world);
  const doomed = trash(world).flatMap(({ chunks }) => chunks.filter((chunk) => named.has(chunk)));
  return doomed.map((chunk) => `chunk ${chunk} is named by a file and by the trash`);
}

interface TrashRow {
  readonly sk: string;
  /** Of an upload that was killed: it is due after a day, longer than any seed. */
  readonly isIntent: boolean;
  readonly chunks: readonly string[];
}

const trash = ({ store, judge }: World): readonly TrashRow[] =>
  store.all('placement', trashPartition).map((item) => {
    const { chunks, manifests, notBefore } = TrashRecord.parse(item);
    const pieces = manifests.map((id) => ({ id, size: 0 }));
    const listed = judge.chunksOf({ chunks: [], manifest: pieces }).map(({ id }) => id);
    return { sk: item.sk, isIntent: notBefore > 0, chunks: [...chunks, ...listed] };
  });

function filesChunks({ store, judge }: World): Set<string> {
  const named = new Set<string>();
  for (const item of store.items('files')) {
    for (const { id } of judge.chunksOf(recordOf<FileRecord>(item))) named.add(id);
  }
  return named;
}
