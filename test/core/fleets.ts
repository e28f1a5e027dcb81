/** Fleets for tests: written out by hand, or drawn by fast-check. */
import fc from 'fast-check';
import type { Chunk, NodeClass, Redundancy } from '../../lib/core/fleet.ts';
import { slotCount } from '../../lib/core/fleet.ts';
import { FleetBuilder, type FleetMap } from '../../lib/core/fleet-map.ts';
import { chunkId, nodeId, zone } from '../../lib/core/ids.ts';
import type { NodeState } from '../../lib/core/lifecycle.ts';
import type { Plan } from '../../lib/core/plan.ts';
import { bytes } from '../../lib/core/units.ts';

export interface NodeSketch {
  readonly capacity?: number;
  readonly class?: NodeClass;
  readonly state?: NodeState;
  readonly used?: number;
}

/** A node's zone is the first letter of its id. A chunk: its holders, or more. */
export interface ChunkSketch {
  readonly on: readonly string[];
  readonly size?: number;
  readonly kind?: Chunk['kind'];
  readonly rule?: Redundancy;
  readonly heat?: number;
}

export const replicated = (copies: number): Redundancy => ({ kind: 'replicated', copies });
export const erasure = (data: number, parity: number): Redundancy => ({
  kind: 'erasure',
  data,
  parity,
});

/** Nodes hold 100 bytes and chunks have 1 unless told otherwise. */
export function sketch(
  nodes: Readonly<Record<string, NodeSketch>>,
  chunks: readonly ChunkSketch[] = [],
): FleetMap {
  const builder = new FleetBuilder();
  for (const [id, node] of Object.entries(nodes)) {
    const { capacity = 100, class: nodeClass = 'mixed', state = 'active', used } = node;
    builder.addNode(
      {
        id: nodeId(id),
        zone: zone(id[0]!),
        class: nodeClass,
        capacity: bytes(capacity),
        state,
      },
      used === undefined ? undefined : bytes(used),
    );
  }
  chunks.forEach(
    ({ on, size = 1, kind = 'data', rule = replicated(on.length), heat = 0 }, number) => {
      builder.addChunk({
        id: chunkId(`c${number}`),
        size: bytes(size),
        kind,
        redundancy: rule,
        holders: on.map(nodeId),
        heat,
      });
    },
  );
  return builder.build();
}

export const times = <T>(count: number, each: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => each(at));

/** `c0.1 a1>a2`, in the plan's order. */
export const movesOf = (plan: Plan): string[] =>
  plan.moves.map(({ chunk, slot, from, to }) => `${chunk}.${slot} ${from}>${to}`);

/** Bytes on each node's slots when the plan is done. */
export function usedAfter(fleet: FleetMap, plan: Plan): Map<string, number> {
  const used = new Map<string, number>(fleet.nodes.map(({ id }, at) => [id, fleet.used[at]!]));
  for (const { from, to, bytes: size } of plan.moves) {
    used.set(from, used.get(from)! - size);
    used.set(to, used.get(to)! + size);
  }
  return used;
}

const anyRule = fc.constantFrom(
  replicated(1),
  replicated(2),
  replicated(3),
  erasure(2, 1),
  erasure(4, 2),
  erasure(6, 3),
);

const anyNode = fc.record({
  zone: fc.constantFrom('a', 'b', 'c', 'd'),
  capacity: fc.constantFrom(400, 800, 1600),
  class: fc.constantFrom<NodeClass>('mixed', 'mixed', 'mixed', 'data', 'metadata'),
  state: fc.constantFrom<NodeState>(
    ...times(12, (): NodeState => 'active'),
    'draining',
    'joining',
    'dead',
  ),
  joined: fc.boolean(),
});

/** Unequal zones, sizes, classes, states and rules; some nodes have just joined and are empty. */
export const anyFleet: fc.Arbitrary<FleetMap> = fc
  .record({
    nodes: fc.array(anyNode, { minLength: 2, maxLength: 24 }),
    chunks: fc.array(
      fc.record({
        size: fc.constantFrom(0, 1, 7, 16, 64),
        kind: fc.constantFrom<Chunk['kind']>('data', 'data', 'metadata'),
        rule: anyRule,
        heat: fc.constantFrom(0, 0, 1, 5, 20, 0.5),
        order: fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
      }),
      { maxLength: 80 },
    ),
  })
  .map(({ nodes, chunks }) => {
    const named = nodes.map((node, at) => ({ ...node, id: `${node.zone}${at}` }));
    const holding = named.filter(({ joined, state }) => !joined && state !== 'joining');
    return sketch(
      Object.fromEntries(named.map(({ id, zone: _zone, joined: _joined, ...node }) => [id, node])),
      chunks.flatMap(({ order, rule, ...chunk }) => {
        const on = spreadOver(holding, order, slotCount(rule));
        return on.length < slotCount(rule) ? [] : [{ ...chunk, rule, on }];
      }),
    );
  });

/** Distinct nodes in a drawn order, zones taken in turn: most chunks are spread well, not all. */
function spreadOver(
  nodes: readonly { readonly id: string; readonly zone: string }[],
  order: readonly number[],
  count: number,
): string[] {
  const shuffled = nodes
    .map((node, at) => ({ ...node, rank: order[at % order.length]! }))
    .sort((l, r) => l.rank - r.rank);
  const byZone = [...Map.groupBy(shuffled, (node) => node.zone).values()];
  const rounds = times(nodes.length, (round) => byZone.flatMap((zoned) => zoned[round] ?? []));
  return rounds
    .flat()
    .slice(0, count)
    .map(({ id }) => id);
}
