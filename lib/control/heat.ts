import type { ChunkHeat } from '../contract/agent.ts';
import type { Policy } from '../contract/policy.ts';
import { heatChunksMax } from '../core/heat.ts';
import { type ChunkId, chunkId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { addressOf, type NodeView } from './fleet.ts';
import type { Job } from './jobs.ts';
import { heatAsksMax, heatMsMax, heatsMax } from './limits.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

/** Requests an hour that clients made for the slots of a chunk, over all its holders, where they are known. */
export type HeatByChunk = ReadonlyMap<ChunkId, number>;

/**
 * Whether a job's plan uses heat: to level it, or to say how much each batch matters. What saves data waits
 * for no answer that it can do without.
 */
export function usesHeat(job: Job, { heatAware, scheduling }: Policy): boolean {
  if (job.kind === 'repair' || job.mustLeave) return false;
  return (
    (heatAware && isLevelling(job)) || scheduling === 'importance' || scheduling === 'adaptive'
  );
}

/** It levels all active nodes, those among them that it launched. */
export const isLevelling = ({ kind }: Job): boolean => kind === 'rebalance' || kind === 'scale-out';

/**
 * What the nodes that clients read from tell of their hottest chunks, summed. Many are asked at a time, and
 * each for so many that all together stay bounded. A node that does not answer, refuses, or whose turn does
 * not come in time adds nothing and is logged: heat is a hint.
 */
export async function readHeat(ports: Ports, fleet: readonly NodeView[]): Promise<HeatByChunk> {
  const asked = fleet.filter(({ state }) => servesReads(state));
  const limit = Math.min(heatChunksMax, Math.floor(heatsMax / Math.max(1, asked.length)));
  const until = ports.now() + heatMsMax;
  const heats = new Map<ChunkId, number>();
  const waiting = asked.values();
  const lane = async () => {
    for (const node of waiting) {
      const told = ports.now() < until ? await heatOf(ports, node, limit) : notInTime(ports, node);
      for (const { chunk, heat } of told) add(heats, chunkId(chunk), heat);
    }
  };
  await Promise.all(Array.from({ length: heatAsksMax }, lane));
  return heats;
}

function add(heats: Map<ChunkId, number>, chunk: ChunkId, heat: number): void {
  if (heat > 0) heats.set(chunk, (heats.get(chunk) ?? 0) + heat);
}

async function heatOf(ports: Ports, node: NodeView, limit: number): Promise<readonly ChunkHeat[]> {
  try {
    return await ports.nodes.heat(addressOf(node), limit);
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    return unknown(ports, node, error.message);
  }
}

const notInTime = (ports: Ports, node: NodeView): readonly ChunkHeat[] =>
  unknown(ports, node, `not asked within ${heatMsMax} ms`);

function unknown(ports: Ports, { id }: NodeView, why: string): readonly ChunkHeat[] {
  ports.log('heat-unknown', { node: id, why });
  return [];
}
