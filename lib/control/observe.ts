import type { ChunkRecord } from '../contract/records.ts';
import { planDrain } from '../core/drain.ts';
import { FleetBuilder, type FleetMap } from '../core/fleet-map.ts';
import type { ChunkId, NodeId } from '../core/ids.ts';
import type { Plan } from '../core/plan.ts';
import { bytes } from '../core/units.ts';
import { holdersOf, readChunks } from './chunks.ts';
import { type NodeView, type NodeWithBeat, readFleet } from './fleet.ts';
import { listedOn } from './inventory.ts';
import type { Ports } from './ports.ts';

/** Accesses an hour by chunk, where they are known. */
export type HeatByChunk = ReadonlyMap<ChunkId, number>;

/** The fleet with every chunk that any of `nodes` holds: what a plan that moves their slots must know. */
export async function mapOf(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  nodes: readonly NodeId[],
  heat: HeatByChunk = new Map(),
): Promise<FleetMap> {
  const builder = new FleetBuilder();
  for (const node of fleet) builder.addNode(planned(node), bytes(node.beat?.usedBytes ?? 0));
  const listed = await Promise.all(nodes.map((node) => listedOn(ports.tables, node)));
  const chunks = [...new Set(listed.flat())];
  const records = await readChunks(ports.tables, chunks);
  for (const [i, chunk] of chunks.entries()) addChunk(builder, chunk, records[i], heat);
  return builder.build();
}

const planned = (node: NodeView) => ({
  id: node.id,
  zone: node.zone,
  class: node.class,
  capacity: bytes(node.capacity),
  state: node.state,
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
    heat: heat.get(id) ?? 0,
  });
}

export interface DrainView {
  readonly fleet: readonly NodeWithBeat[];
  readonly map: FleetMap;
  readonly plan: Plan;
}

/** What draining `leaving` would move now, together with what leaves already. */
export async function observeDrain(ports: Ports, leaving: readonly NodeId[]): Promise<DrainView> {
  const fleet = await readFleet(ports.tables);
  const known = leaving.filter((id) => fleet.some((node) => node.id === id));
  const map = await mapOf(ports, fleet, known);
  const { fillHard } = ports.policy;
  return { fleet, map, plan: planDrain(map, leaving, { fillHard }) };
}
