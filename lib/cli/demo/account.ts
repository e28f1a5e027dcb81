import { setTimeout as delay } from 'node:timers/promises';
import { readChunks, slotSha256 } from '../../control/chunks.ts';
import { listFiles, type StoredFile } from '../../control/files.ts';
import { addressOf, type NodeView, readNodes } from '../../control/fleet.ts';
import { neededChunks } from '../../control/manifest.ts';
import type { Ports } from '../../control/ports.ts';
import { slotCount } from '../../core/fleet.ts';
import type { ChunkId } from '../../core/ids.ts';
import type { Context } from '../context.ts';

/** The placement held against the disks, all of both. */
export interface Account {
  readonly files: readonly StoredFile[];
  readonly chunks: number;
  readonly bytesStored: number;
  /** Chunks with fewer right copies or shards on disks, or in fewer zones, than their rule wants. */
  readonly underReplicated: number;
  /** Copies on disks that no placement names. */
  readonly orphans: number;
}

export async function takeAccount(ports: Ports): Promise<Account> {
  const files: StoredFile[] = [];
  for await (const file of listFiles(ports.tables, '')) files.push(file);
  const nodes = await readNodes(ports.tables);
  const ids: ChunkId[] = [];
  for (const { record } of files) {
    for (const chunk of await neededChunks(ports, nodes, record)) ids.push(chunk);
  }
  const records = await readChunks(ports.tables, ids);
  const serving = nodes.filter(({ state }) => state === 'active' || state === 'draining');
  const disks = new Map(
    await Promise.all(serving.map(async (node) => [node.id, await diskOf(ports, node)] as const)),
  );
  const zoneOf = new Map(serving.map((node) => [node.id as string, node.zone]));
  const zones = new Set(serving.map(({ zone }) => zone)).size;
  let underReplicated = 0;
  const named = new Set<string>();
  for (const [i, id] of ids.entries()) {
    const record = records[i];
    const good = (record?.state === 'live' ? record.holders : []).filter((holder, slot) => {
      named.add(`${holder} ${id}`);
      return disks.get(holder as never)?.get(id) === slotSha256(record!, slot);
    });
    const wanted = record === undefined ? 0 : slotCount(record.redundancy);
    const spread = new Set(good.map((holder) => zoneOf.get(holder))).size;
    if (good.length < wanted || spread < Math.min(wanted, zones) || wanted === 0) underReplicated++;
  }
  const copies = [...disks].flatMap(([node, disk]) =>
    [...disk.keys()].map((id) => `${node} ${id}`),
  );
  return {
    files,
    chunks: ids.length,
    bytesStored: files.reduce((sum, { record }) => sum + record.size, 0),
    underReplicated,
    orphans: copies.filter((copy) => !named.has(copy)).length,
  };
}

/** Parked copies go once their time is over; then placement and disks agree, or the limit has passed. */
export async function settledAccount(
  { io }: Context,
  ports: Ports,
  limitMs: number,
): Promise<Account> {
  await ports.queues.sweep([], 0);
  const limit = io.now() + limitMs;
  for (;;) {
    const account = await takeAccount(ports);
    const settled = account.orphans === 0 && account.underReplicated === 0;
    if (settled || io.now() > limit) return account;
    await delay(1_000, undefined, { signal: io.interrupted });
  }
}

/** By chunk: the checksum of the copy or shard on the node's disk. */
async function diskOf(ports: Ports, node: NodeView): Promise<ReadonlyMap<string, string>> {
  const disk = new Map<string, string>();
  let after: string | undefined;
  do {
    const page = await ports.nodes.held(addressOf(node), after);
    for (const { chunk, sha256 } of page.held) disk.set(chunk, sha256);
    after = page.next;
  } while (after !== undefined);
  return disk;
}
