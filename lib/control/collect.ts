import type { Held } from '../contract/agent.ts';
import { chunkKey } from '../contract/keys.ts';
import type { ChunkRecord } from '../contract/records.ts';
import { type ChunkId, chunkId } from '../core/ids.ts';
import { names, readChunks } from './chunks.ts';
import { addressOf, type NodeView } from './fleet.ts';
import { tombstoneSeconds } from './limits.ts';
import { parkedOn } from './outbox.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { neverCommitted } from './trash.ts';
import { writeKnown } from './write-known.ts';

/**
 * Deletes copies on a node's disk that no placement names and no outbox knows: what a killed worker or
 * client left. First the placement's version rises (or a tombstone stands where nothing was committed), so
 * that a commit still under way for the copy is refused; only then the copy goes.
 *
 * @param ageMsMin younger copies may belong to an upload or a move that is under way
 * @returns copies deleted
 */
export async function collect(ports: Ports, node: NodeView, ageMsMin: number): Promise<number> {
  let collected = 0;
  let after: string | undefined;
  do {
    const page = await ports.nodes.held(addressOf(node), after);
    const old = page.held.filter(({ ageMs }) => ageMs >= ageMsMin);
    collected += await collectFrom(ports, node, old);
    after = page.next;
  } while (after !== undefined);
  return collected;
}

/** As {@link collect}, of these copies alone, whatever their age. */
export async function collectFrom(
  ports: Ports,
  node: NodeView,
  held: readonly Pick<Held, 'chunk' | 'epoch'>[],
): Promise<number> {
  const chunks = held.map(({ chunk }) => chunkId(chunk));
  const records = await readChunks(ports.tables, chunks);
  const unnamed = chunks
    .map((chunk, i) => ({ chunk, record: records[i], epoch: held[i]!.epoch }))
    .filter(({ record }) => !names(record, node.id));
  if (unnamed.length === 0) return 0;
  // After the placements: the commit that unnamed a copy wrote its row, so none is missed.
  const parked = await parkedOn(ports.tables, node.id);
  const removals: { chunk: ChunkId; version: number }[] = [];
  for (const { chunk, record, epoch } of unnamed.filter((each) => !parked.has(each.chunk))) {
    const version = await fenceOff(ports, chunk, record, epoch);
    if (version !== undefined) removals.push({ chunk, version });
  }
  if (removals.length === 0) return 0;
  const answers = await ports.nodes.remove(addressOf(node), removals);
  return answers.filter(({ outcome }) => outcome === 'unlink').length;
}

/**
 * Makes a commit that is under way for the chunk fail: its placement's version rises, or a tombstone stands
 * where nothing was committed.
 *
 * @param epoch of the copy: its fence, where no placement is known any more that lies above it
 * @returns the version under which the copy may be deleted; `undefined` if the placement just changed
 */
export async function fenceOff(
  ports: Ports,
  chunk: ChunkId,
  record: ChunkRecord | undefined,
  epoch: number = neverCommitted.version,
): Promise<number | undefined> {
  if (record?.state === 'removed') return record.version;
  const operation = ports.newId();
  const key = chunkKey(chunk);
  const expiresAt = Math.floor(ports.now() / 1000) + tombstoneSeconds;
  const version =
    record === undefined ? Math.max(neverCommitted.version, epoch) : record.version + 1;
  const outcome = await writeKnown(
    ports.tables,
    [
      record === undefined
        ? {
            op: 'put',
            key,
            fields: { ...neverCommitted, version, lastOp: operation, expiresAt },
            when: 'absent',
          }
        : {
            op: 'update',
            key,
            set: { version, lastOp: operation },
            when: { state: 'live', version: record.version },
          },
    ],
    operation,
  );
  return outcome === 'committed' ? version : undefined;
}

/** A chunk, and nodes that were given copies of it. */
interface Unplaced {
  readonly chunk: ChunkId;
  readonly holders: readonly NodeView[];
}

/**
 * Takes back copies whose commit was refused, as {@link collect} would later. What a node does not answer
 * for now is collected then.
 */
export async function abandon(ports: Ports, unplaced: readonly Unplaced[]): Promise<void> {
  const records = await readChunks(
    ports.tables,
    unplaced.map(({ chunk }) => chunk),
  );
  for (const [i, { chunk, holders }] of unplaced.entries()) {
    const record = records[i];
    if (record?.state === 'live') continue;
    const version = await fenceOff(ports, chunk, record);
    if (version !== undefined) await takeBack(ports, holders, { chunk, version });
  }
}

/** Deletes a copy on each of these nodes, as far as they answer and their fences allow. */
export async function takeBack(
  ports: Ports,
  nodes: readonly NodeView[],
  removal: { readonly chunk: ChunkId; readonly version: number },
): Promise<void> {
  const answers = await Promise.allSettled(
    nodes.map((node) => ports.nodes.remove(addressOf(node), [removal])),
  );
  const failed = answers.filter(({ status }) => status === 'rejected').length;
  if (failed > 0) ports.log('orphans-left', { chunk: removal.chunk, nodes: failed });
}

/** As {@link collect}, for a node that may not answer: it is tried again later. */
export async function tryCollect(ports: Ports, node: NodeView, ageMsMin: number): Promise<number> {
  try {
    return await collect(ports, node, ageMsMin);
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    return 0;
  }
}
