import type { ChunkRecord } from '../contract/records.ts';
import { planDrain } from '../core/drain.ts';
import type { Redundancy } from '../core/fleet.ts';
import { FleetBuilder, type FleetMap } from '../core/fleet-map.ts';
import type { ChunkId, NodeId } from '../core/ids.ts';
import type { Plan } from '../core/plan.ts';
import type { Remedy } from '../core/remedy.ts';
import { waysToUnblock } from '../core/unblock.ts';
import { bytes } from '../core/units.ts';
import { holdersOf, readChunks } from './chunks.ts';
import { type NodeView, type NodeWithBeat, readFleet, withBeats } from './fleet.ts';
import type { HeatByChunk } from './heat.ts';
import { listedOn } from './inventory.ts';
import type { Job } from './jobs.ts';
import type { Ports } from './ports.ts';

/** The fleet with every chunk that any of `nodes` holds, and `more`: what a plan that moves them must know. */
export async function mapOf(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  nodes: readonly NodeId[],
  heat: HeatByChunk = new Map(),
  more: readonly ChunkId[] = [],
): Promise<FleetMap> {
  const builder = new FleetBuilder();
  for (const node of fleet) builder.addNode(planned(node), bytes(node.beat?.usedBytes ?? 0));
  const listed = await Promise.all(nodes.map((node) => listedOn(ports.tables, node)));
  const chunks = [...new Set([...listed.flat(), ...more])];
  const records = await readChunks(ports.tables, chunks);
  for (const [i, chunk] of chunks.entries()) addChunk(builder, chunk, records[i], heat);
  return builder.build();
}

/** A disk that erred is read, and given nothing: what moves there, or is mended there, would only fail. */
const planned = ({ beat, ...node }: NodeWithBeat) => ({
  id: node.id,
  zone: node.zone,
  class: node.class,
  capacity: bytes(node.capacity),
  state: node.state === 'active' && beat?.diskSuspect === true ? 'draining' : node.state,
});

/** A chunk that was removed since it was listed has nothing to move. */
function addChunk(
  builder: FleetBuilder,
  id: ChunkId,
  record: ChunkRecord | undefined,
  heat: HeatByChunk,
): void {
  if (record?.state !== 'live') return;
  builder.addChunk({
    id,
    size: bytes(record.size),
    kind: record.kind,
    redundancy: record.redundancy,
    holders: holdersOf(record),
    heat: (heat.get(id) ?? 0) / requestsPerAccess(record.redundancy),
  });
}

/** Reading a coded chunk asks for one shard of each of its data slots. */
const requestsPerAccess = (rule: Redundancy): number => (rule.kind === 'erasure' ? rule.data : 1);

export interface DrainView {
  readonly fleet: readonly NodeWithBeat[];
  readonly map: FleetMap;
  readonly plan: Plan;
}

/**
 * The fleet as a plan sees it that feeds none of the drains among `jobs`: the nodes of those that run leave,
 * cordoned or not.
 */
export function withLeaving(
  fleet: readonly NodeWithBeat[],
  jobs: readonly Job[],
): readonly NodeWithBeat[] {
  const drains = jobs.filter(
    ({ kind, state }) => state === 'running' && (kind === 'drain' || kind === 'scale-in'),
  );
  const leaving = new Set(drains.flatMap(({ nodes }) => nodes));
  return fleet.map((node) =>
    node.state === 'active' && leaving.has(node.id) ? { ...node, state: 'draining' } : node,
  );
}

/**
 * What draining `leaving` would move now, together with what leaves already.
 *
 * @param jobs whose nodes count as leaving too; a job's own first step leaves out those that were asked for
 * after it, so that of two that exclude each other the first one goes
 * @param nodes the fleet where it was just read
 */
export async function observeDrain(
  ports: Ports,
  leaving: readonly NodeId[],
  jobs: readonly Job[],
  nodes?: readonly NodeView[],
): Promise<DrainView> {
  const fleet = await (nodes === undefined
    ? readFleet(ports.tables)
    : withBeats(ports.tables, nodes));
  const known = leaving.filter((id) => fleet.some((node) => node.id === id));
  const map = await mapOf(ports, withLeaving(fleet, jobs), known);
  const { fillHard, placement } = ports.policy;
  return { fleet, map, plan: planDrain(map, leaving, { fillHard, placement }) };
}

/** The smallest changes that would let a blocked drain happen. */
export const remediesOf = (
  { policy }: Ports,
  { map }: DrainView,
  nodes: readonly NodeId[],
): readonly Remedy[] =>
  waysToUnblock(map, nodes, {
    fillHard: policy.fillHard,
    nodeCapacityBytes: bytes(policy.nodeCapacityBytes),
  });
