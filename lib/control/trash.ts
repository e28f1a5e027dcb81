import { chunkKey, outboxKey, trashPartition } from '../contract/keys.ts';
import { type ChunkRecord, TrashRecord } from '../contract/records.ts';
import { type ChunkId, chunkId, type NodeId } from '../core/ids.ts';
import { pieces } from '../core/pieces.ts';
import { holdersOf, readChunks } from './chunks.ts';
import { readNodes } from './fleet.ts';
import { tombstoneSeconds } from './limits.ts';
import { readManifest } from './manifest.ts';
import { pagesOf } from './pages.ts';
import { type Item, type Op, opsMax, type Ports } from './ports.ts';
import { ChunkGone, ChunkUnreadable } from './read.ts';
import { writeKnown } from './write-known.ts';

interface Doomed {
  readonly chunk: ChunkId;
  /** `undefined`: never committed. It gets a tombstone all the same, so that a late commit fails. */
  readonly record: ChunkRecord | undefined;
}

const holding = ({ record }: Doomed): readonly NodeId[] =>
  record === undefined ? [] : holdersOf(record);

/** A tombstone where no commit ever was: its version lies above the epoch of the first copies. */
export const neverCommitted = {
  state: 'removed',
  size: 0,
  sha256: '',
  kind: 'data',
  redundancy: { kind: 'replicated', copies: 0 },
  shards: [],
  holders: [],
  version: 1,
} as const;

/** Emptying a hundred rows takes seconds; a run that was killed is taken up after so long. */
const claimMs = 60_000;
/** Rounds for chunks that move while they are removed: each round reads them again. */
const roundsMax = 4;
/** Rows of which chunks are left are looked at again after so long. */
const againMs = 5_000;

/**
 * Removes the chunks that no file names any more: each becomes a tombstone, and its copies go into its
 * holders' outboxes, in one transaction. A row goes when all its chunks have, and a manifest after all that it
 * names, so a killed run is simply run again.
 */
export async function emptyTrash(ports: Ports): Promise<void> {
  for await (const page of pagesOf(ports.tables, 'placement', trashPartition)) {
    const due = page.filter((item) => isDue(TrashRecord.parse(item), ports.now()));
    for (const lot of lotsOf(due)) await emptyRows(ports, lot);
  }
}

/** As many rows as one transaction claims; a manifest alone: it names many chunks and may be unreadable. */
function lotsOf(rows: readonly Item[]): readonly (readonly Item[])[] {
  const isLong = (item: Item) => TrashRecord.parse(item).manifests.length > 0;
  const short = rows.filter((item) => !isLong(item));
  return [...pieces(short, opsMax), ...rows.filter(isLong).map((item) => [item])];
}

const isDue = ({ notBefore, claimedUntil }: TrashRecord, now: number): boolean =>
  notBefore <= now && claimedUntil <= now;

async function emptyRows(ports: Ports, rows: readonly Item[]): Promise<void> {
  const claimedUntil = ports.now() + claimMs;
  if ((await claim(ports, rows, claimedUntil)) === 'taken') return;
  const records = rows.map((item) => TrashRecord.parse(item));
  const manifests = records.flatMap((record) => record.manifests.map(chunkId));
  const listed = await listedBy(ports, manifests);
  if (listed === 'unreadable') return;
  const chunks = [...records.flatMap((record) => record.chunks.map(chunkId)), ...listed];
  const { freed, left } = await removeInTurn(ports, [chunks, manifests]);
  ports.log('trash-emptied', { rows: rows.length, chunks: chunks.length, left });
  if (left === 'nothing') await forget(ports, rows);
  else await unclaim(ports, rows, claimedUntil);
  if (freed.size > 0) await ports.queues.sweep([...freed], ports.policy.parkingMs);
}

const forget = (ports: Ports, rows: readonly Item[]): Promise<void> =>
  ports.tables.writeEach(
    rows.map(({ pk, sk }) => ({ op: 'delete', key: { table: 'placement', pk, sk } })),
  );

/** Chunks moved faster than they were removed, a repair's say: the rows are seen again in seconds. */
async function unclaim(ports: Ports, rows: readonly Item[], claimedUntil: number): Promise<void> {
  await ports.tables.write(
    rows.map(({ pk, sk }) => ({
      op: 'update',
      key: { table: 'placement', pk, sk },
      set: { claimedUntil: 0 },
      when: { claimedUntil },
    })),
  );
  await ports.queues.sweep([], againMs);
}

/**
 * Takes rows for itself for a while. The intent of a long upload ends here too: its last commit wants the
 * row as it was written, and fails; an intent that is gone was taken out by that commit, and its chunks have
 * a file. Rows that somebody else claimed or took are seen again at the next sweep.
 */
async function claim(
  ports: Ports,
  rows: readonly Item[],
  claimedUntil: number,
): Promise<'claimed' | 'taken'> {
  const result = await ports.tables.write(
    rows.map((item) => {
      const before = TrashRecord.parse(item);
      return {
        op: 'update',
        key: { table: 'placement', pk: item.pk, sk: item.sk },
        set: { notBefore: 0, claimedUntil },
        when: { notBefore: before.notBefore, claimedUntil: before.claimedUntil },
      };
    }),
  );
  return result.kind === 'committed' ? 'claimed' : 'taken';
}

/**
 * What the manifests name. One that is gone was removed by a run that was killed after it: before it went
 * all that it named. One that cannot be read now is read at a later sweep.
 */
async function listedBy(
  ports: Ports,
  manifests: readonly ChunkId[],
): Promise<readonly ChunkId[] | 'unreadable'> {
  if (manifests.length === 0) return [];
  const nodes = await readNodes(ports.tables);
  const listed: ChunkId[] = [];
  for (const manifest of manifests) {
    try {
      for (const { id } of await readManifest(ports, nodes, manifest)) listed.push(chunkId(id));
    } catch (error) {
      if (error instanceof ChunkGone) continue;
      if (!(error instanceof ChunkUnreadable)) throw error;
      ports.log('manifest-unreadable', { chunk: manifest, reason: error.message });
      return 'unreadable';
    }
  }
  return listed;
}

interface Removed {
  /** Nodes that had copies. */
  readonly freed: ReadonlySet<NodeId>;
  readonly left: 'nothing' | 'chunks';
}

/** Nothing of a list goes before all of the one before it has. */
async function removeInTurn(
  ports: Ports,
  lists: readonly (readonly ChunkId[])[],
): Promise<Removed> {
  const freed = new Set<NodeId>();
  for (const list of lists) {
    const removed = await removeChunks(ports, [...new Set(list)]);
    for (const node of removed.freed) freed.add(node);
    if (removed.left === 'chunks') return { freed, left: 'chunks' };
  }
  return { freed, left: 'nothing' };
}

async function removeChunks(ports: Ports, chunks: readonly ChunkId[]): Promise<Removed> {
  const freed = new Set<NodeId>();
  let left = chunks;
  for (let round = 1; round <= roundsMax && left.length > 0; round++) {
    const refused: ChunkId[] = [];
    for (const group of groupsOf(await notRemoved(ports, left))) {
      const operation = ports.newId();
      const ops = removalOps(ports, group, operation);
      if ((await writeKnown(ports.tables, ops, operation)) === 'committed') {
        for (const holder of group.flatMap(holding)) freed.add(holder);
      } else refused.push(...group.map(({ chunk }) => chunk));
    }
    left = refused;
  }
  return { freed, left: left.length === 0 ? 'nothing' : 'chunks' };
}

async function notRemoved(ports: Ports, chunks: readonly ChunkId[]): Promise<readonly Doomed[]> {
  const records = await readChunks(ports.tables, chunks);
  return chunks
    .map((chunk, i) => ({ chunk, record: records[i] }))
    .filter(({ record }) => record?.state !== 'removed');
}

/** As many as fit one transaction: a tombstone each, and an outbox row a holder. */
function groupsOf(doomed: readonly Doomed[]): readonly (readonly Doomed[])[] {
  const groups: Doomed[][] = [];
  let ops = opsMax;
  let holders = new Set<string>();
  for (const each of doomed) {
    const rows = holding(each);
    const cost = () => 1 + rows.filter((holder) => !holders.has(holder)).length;
    if (ops + cost() > opsMax) {
      groups.push([]);
      ops = 0;
      holders = new Set();
    }
    ops += cost();
    for (const holder of rows) holders.add(holder);
    groups.at(-1)!.push(each);
  }
  return groups;
}

const tombstoneVersion = ({ record }: Doomed): number =>
  record === undefined ? neverCommitted.version : record.version + 1;

function removalOps(ports: Ports, group: readonly Doomed[], operation: string): readonly Op[] {
  const now = ports.now();
  const byHolder = Map.groupBy(
    group.flatMap((doomed) =>
      holding(doomed).map((holder) => ({
        holder,
        chunk: doomed.chunk,
        version: tombstoneVersion(doomed),
      })),
    ),
    ({ holder }) => holder,
  );
  return [
    ...group.map((doomed) => tombstoneOp(doomed, operation, now)),
    ...[...byHolder].map(
      ([holder, copies]): Op => ({
        op: 'put',
        key: outboxKey(holder, operation),
        fields: {
          chunks: copies.map(({ chunk }) => chunk),
          versions: copies.map(({ version }) => version),
          notBefore: now + ports.policy.parkingMs,
        },
      }),
    ),
  ];
}

function tombstoneOp({ chunk, record }: Doomed, operation: string, now: number): Op {
  const key = chunkKey(chunk);
  const expiresAt = Math.floor(now / 1000) + tombstoneSeconds;
  if (record === undefined) {
    return {
      op: 'put',
      key,
      fields: { ...neverCommitted, lastOp: operation, expiresAt },
      when: 'absent',
    };
  }
  return {
    op: 'update',
    key,
    set: {
      state: 'removed',
      version: tombstoneVersion({ chunk, record }),
      lastOp: operation,
      expiresAt,
    },
    when: { state: 'live', version: record.version },
  };
}
