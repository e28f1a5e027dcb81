/** Fleets of mixed nodes and the moves that the real planners make for them, cut into batches as production does. */
import { batchLimits } from '../../lib/control/limits.ts';
import { groupMoves } from '../../lib/core/batch-moves.ts';
import type { RateBudgets } from '../../lib/core/budget.ts';
import { planDrain } from '../../lib/core/drain.ts';
import { FleetBuilder, type FleetMap } from '../../lib/core/fleet-map.ts';
import { batchId, chunkId, jobId, type NodeId, nodeId, zone } from '../../lib/core/ids.ts';
import type { Plan } from '../../lib/core/plan.ts';
import { planRebalance } from '../../lib/core/rebalance.ts';
import { planRepair } from '../../lib/core/repair.ts';
import type { Batch, Urgency } from '../../lib/core/schedule.ts';
import { bytes } from '../../lib/core/units.ts';

/** Jobs of one class: what they are barred against. */
export const jobs = ['drain', 'scale-out', 'repair'] as const;
/**
 * Two classes that meet at the same receivers. The more urgent one goes first there, so that the bound of both
 * together may be out of reach: what counts is that no class is overtaken.
 */
export const mixed = ['drain and repair'] as const;
type Kind = (typeof jobs | typeof mixed)[number];

export interface ScheduleScenario {
  readonly name: string;
  readonly batches: readonly Batch[];
  readonly budgets: RateBudgets;
}

const MiB = 2 ** 20;
const rates = [50e6, 100e6, 200e6];
const sizes = {
  whole: [64 * MiB],
  mixed: [64 * MiB, 64 * MiB, 16 * MiB, 4 * MiB, MiB, 64 * 1024, 777],
};
const zones = ['a', 'b', 'c'];

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Drawn {
  readonly fleet: FleetMap;
  /** By zone, the nodes that hold data. */
  readonly members: readonly (readonly NodeId[])[];
  readonly nodeRates: Record<string, number>;
}

/** A fleet of three zones with one copy of each chunk in each, levelled by capacity. */
function drawFleet(next: () => number, slotsPerNode: number, joining: number): Drawn {
  const builder = new FleetBuilder();
  const nodeRates: Record<string, number> = {};
  const chunkSizes = next() < 0.5 ? sizes.whole : sizes.mixed;
  const mean = chunkSizes.reduce((sum, size) => sum + size, 0) / chunkSizes.length;
  const perZone = 6 + Math.floor(next() * 12);
  const add = (id: string, where: string, weight: number) => {
    nodeRates[id] = rates[Math.floor(next() * rates.length)]!;
    const capacity = bytes(Math.ceil((weight * slotsPerNode * mean) / 0.55));
    builder.addNode({
      id: nodeId(id),
      zone: zone(where),
      class: 'mixed',
      capacity,
      state: 'active',
    });
  };
  const columns = zones.map((where) =>
    Array.from({ length: perZone }, (_, at) => {
      const weight = [0.5, 1, 1, 2][Math.floor(next() * 4)]!;
      add(`${where}${at}`, where, weight);
      return { id: nodeId(`${where}${at}`), weight, load: 0 };
    }),
  );
  for (const where of zones) {
    for (let at = 0; at < joining; at++) add(`${where}-new-${at}`, where, 1);
  }
  const chunks = Math.round(slotsPerNode * perZone);
  for (let number = 0; number < chunks; number++) {
    const size = chunkSizes[Math.floor(next() * chunkSizes.length)]!;
    const holders = columns.map((column) => {
      const some = [0, 1, 2].map(() => column[Math.floor(next() * column.length)]!);
      const least = some.sort((l, r) => l.load / l.weight - r.load / r.weight)[0]!;
      least.load += size;
      return least.id;
    });
    builder.addChunk({
      id: chunkId(`c${number}`),
      size: bytes(size),
      kind: 'data',
      redundancy: { kind: 'replicated', copies: 3 },
      holders,
    });
  }
  const members = columns.map((column) => column.map(({ id }) => id));
  return { fleet: builder.build(), members, nodeRates };
}

/** Batches as production publishes them. */
function batchesOf(
  { job, moves }: Plan,
  urgency: Urgency,
  zoneOf: (node: NodeId) => string,
  isLost: boolean,
): Batch[] {
  return groupMoves(moves, { ...batchLimits, isLost }).map((group, number) => ({
    id: batchId(`${job}-${String(number).padStart(6, '0')}`),
    job: jobId(job),
    urgency,
    from: group.from,
    to: group.to,
    zones: [zone(zoneOf(group.from)), zone(zoneOf(group.to))] as const,
    bytes: bytes(group.bytes),
    moves: group.moves.length,
    isLost,
    isLeaving: job === 'drain',
  }));
}

const defaults = {
  nodeBatchesMax: 5,
  nodeRateBytes: 100e6,
  batchRateBytes: 10e6,
  criticalShare: 0.2,
};

/** So many, of these kinds in turn; what a fleet refuses to do is drawn again. */
export function drawScenarios(
  kinds: readonly Kind[],
  count: number,
  slotsPerNode: number,
): readonly ScheduleScenario[] {
  const drawn: ScheduleScenario[] = [];
  for (let seed = 1; drawn.length < count; seed++) {
    const scenario = drawScenario(kinds[drawn.length % kinds.length]!, seed, slotsPerNode);
    if (scenario.batches.length > 0) drawn.push(scenario);
  }
  return drawn;
}

/** @param slotsPerNode how much work there is: 64 MiB at most each */
function drawScenario(kind: Kind, seed: number, slotsPerNode: number): ScheduleScenario {
  const next = generator(seed);
  const joining = kind === 'scale-out' ? 1 + Math.floor(next() * 3) : 0;
  const { fleet, members, nodeRates } = drawFleet(next, slotsPerNode, joining);
  const some = (count: number) => {
    const column = members[Math.floor(next() * members.length)]!;
    const first = Math.floor(next() * column.length);
    return Array.from({ length: count }, (_, at) => column[(first + at) % column.length]!);
  };
  const zoneOf = (node: NodeId) => node[0]!;
  const drain = (nodes: readonly NodeId[]) =>
    batchesOf(planDrain(fleet, nodes), 'normal', zoneOf, false);
  const repair = (nodes: readonly NodeId[]) =>
    batchesOf(planRepair(fleet, nodes), 'critical', zoneOf, true);
  const draw: Readonly<Record<Kind, () => Batch[]>> = {
    drain: () => drain(some(1 + Math.floor(next() * 3))),
    'scale-out': () => batchesOf(planRebalance(fleet), 'low', zoneOf, false),
    repair: () => repair(some(1)),
    'drain and repair': () => {
      const [leaving, lost] = some(2);
      return [...drain([leaving!]), ...repair([lost!]).filter(({ to }) => to !== leaving)];
    },
  };
  const fleetBatchesMax = next() < 0.5 ? 200 : 60;
  const fleetRateBytes = next() < 0.25 ? 400e6 : 0;
  const budgets = { ...defaults, fleetBatchesMax, fleetRateBytes, nodeRates };
  return { name: `${kind} ${seed}`, batches: draw[kind](), budgets };
}
