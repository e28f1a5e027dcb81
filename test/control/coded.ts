import { commitFiles } from '../../lib/control/files.ts';
import { type NodeView, readFleet, stepNode } from '../../lib/control/fleet.ts';
import { readChunk } from '../../lib/control/read.ts';
import { startRepair } from '../../lib/control/start-job.ts';
import { chunkIdOf, type PlacedChunk, storeChunk } from '../../lib/control/store.ts';
import type { Redundancy } from '../../lib/core/fleet.ts';
import { type ChunkId, nodeId } from '../../lib/core/ids.ts';
import { jobOf, runJob } from './acts.ts';
import { hashOf, type World } from './world.ts';

export type Code = Extract<Redundancy, { kind: 'erasure' }>;

export const fourTwo: Code = { kind: 'erasure', data: 4, parity: 2 };
export const sixThree: Code = { kind: 'erasure', data: 6, parity: 3 };

/** `count` nodes, in three zones by turns. */
export const threeZones = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`n${String(i + 1).padStart(2, '0')}`, 'abc'[i % 3]!]),
  );

/** Bytes that look like chance and are always the same. */
export const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 2_654_435_761) ^ (seed * 97)) >>> 13);

/** One file a size, each of one chunk, all on the same holders. */
export async function putCoded(
  world: World,
  redundancy: Redundancy,
  sizes: readonly number[],
): Promise<readonly ChunkId[]> {
  const { ports } = world;
  const fleet = await readFleet(ports.tables);
  const files = sizes.map(async (size, i) => {
    const bytes = bytesOf(size, i);
    const chunk = { chunk: chunkIdOf(`upload of ${i}`, 0), bytes, sha256: hashOf(bytes) };
    const placed = await storeChunk(ports, fleet, chunk, 'one seed', redundancy);
    return fileOf(`coded/${i}`, placed);
  });
  const placed = await Promise.all(files);
  await commitFiles(ports, placed);
  return placed.map(({ chunks }) => chunks[0]!.chunk);
}

const fileOf = (path: string, chunk: PlacedChunk) => ({
  ...{ path, size: chunk.size, sha256: chunk.sha256, mode: 0o644, modifiedAt: 0 },
  chunks: [chunk],
});

/** Which of the chunks do not read as they were put. */
export async function unreadable(
  { ports }: World,
  chunks: readonly ChunkId[],
  sizes: readonly number[],
): Promise<readonly string[]> {
  const fleet = await readFleet(ports.tables);
  const problems = chunks.map(async (chunk, i) => {
    const found = await readChunk(ports, fleet, chunk).catch((error: Error) => error.message);
    if (typeof found === 'string') return [`${i}: ${found}`];
    return Buffer.from(found).equals(bytesOf(sizes[i]!, i)) ? [] : [`${i}: other bytes`];
  });
  return (await Promise.all(problems)).flat();
}

/** Loses these nodes for good, and repairs what they held. @returns how the repair ended */
export async function loseAndRepair(world: World, names: readonly string[]): Promise<string> {
  for (const name of names) {
    world.node(name).isUp = false;
    await stepNode(world.ports, await viewOf(world, name), 'dead', '');
  }
  const started = await startRepair(world.ports, names.map(nodeId), ['lost']);
  if (started.kind === 'blocked') return 'blocked';
  await runJob(world, started.job);
  return jobOf(world, started.job).state;
}

const viewOf = async ({ ports }: World, name: string): Promise<NodeView> =>
  (await readFleet(ports.tables)).find(({ id }) => id === name)!;
