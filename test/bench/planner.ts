#!/usr/bin/env node
/**
 * Plans fleets of up to a million copies and prints what the plans are worth:
 *
 *   node test/bench/planner.ts [NAME…]
 *
 * Every start is balanced within its zones, one slot a zone (three of a 6+3 stripe), as after long use. The
 * mean is that of each zone, because copies stay in their zones. Exits 1 if a figure misses its goal.
 */
import { checkPlan } from '../../lib/core/check-plan.ts';
import { planDrain } from '../../lib/core/drain.ts';
import { type NodeClass, slotCount } from '../../lib/core/fleet.ts';
import { FleetBuilder, type FleetMap } from '../../lib/core/fleet-map.ts';
import { chunkId, type NodeId, nodeId, zone } from '../../lib/core/ids.ts';
import type { Plan } from '../../lib/core/plan.ts';
import { planRebalance } from '../../lib/core/rebalance.ts';
import { bytes } from '../../lib/core/units.ts';
import { generator } from './generator.ts';
import { MiB, type Scenario, scenarios } from './planner-scenarios.ts';

interface Column {
  readonly ids: readonly NodeId[];
  readonly weights: readonly number[];
  readonly loads: Float64Array;
}

/** Puts `count` slots on the nodes with least load for their weight among a few drawn ones. */
function drawHolders(
  { ids, weights, loads }: Column,
  count: number,
  size: number,
  next: () => number,
): NodeId[] {
  const start = Math.floor(next() * ids.length);
  const order = ids.map((_, at) => (at + start) % ids.length);
  order.sort((l, r) => loads[l]! / weights[l]! - loads[r]! / weights[r]!);
  return order.slice(0, count).map((at) => {
    loads[at]! += size;
    return ids[at]!;
  });
}

function fleetOf(scenario: Scenario): FleetMap {
  const {
    chunks,
    zones,
    joins = [],
    sizes = [64 * MiB],
    rule = { kind: 'replicated', copies: 3 },
  } = scenario;
  const next = generator(scenario.seed);
  const perZone = slotCount(rule) / zones.length;
  const share = rule.kind === 'erasure' ? rule.data : 1;
  const meanSize = sizes.reduce((sum, size) => sum + Math.ceil(size / share), 0) / sizes.length;
  const builder = new FleetBuilder();
  const columns = zones.map((weights, at) => {
    const name = 'abc'[at]!;
    const bytesPerWeight =
      (chunks * perZone * meanSize) / weights.reduce((sum, each) => sum + each, 0) / 0.55;
    const add = (id: string, weight: number) =>
      builder.addNode({
        id: nodeId(id),
        zone: zone(name),
        class: 'mixed' satisfies NodeClass,
        capacity: bytes(Math.ceil(weight * bytesPerWeight)),
        state: 'active',
      });
    const ids = weights.map((_, place) => nodeId(`${name}${String(place).padStart(3, '0')}`));
    for (const [place, id] of ids.entries()) add(id, weights[place]!);
    for (const [place, weight] of (joins[at] ?? []).entries()) add(`${name}-new-${place}`, weight);
    return { ids, weights, loads: new Float64Array(ids.length) };
  });
  for (let number = 0; number < chunks; number++) {
    const size = sizes[Math.floor(next() * sizes.length)]!;
    const holders = columns.flatMap((column) =>
      drawHolders(column, perZone, Math.ceil(size / share), next),
    );
    builder.addChunk({
      id: chunkId(`c${number}`),
      size: bytes(size),
      kind: 'data',
      redundancy: rule,
      holders,
    });
  }
  return builder.build();
}

/** The largest fill over the mean of its zone, and the bytes above their zone's mean before the plan. */
function balance(fleet: FleetMap, plan: Plan, leaving: ReadonlySet<NodeId>) {
  const after = fleet.used.slice();
  for (const { from, to, bytes: size } of plan.moves) {
    after[fleet.nodeIndex.get(from)!]! -= size;
    after[fleet.nodeIndex.get(to)!]! += size;
  }
  let worst = 0;
  let minimum = 0;
  for (const zoneNumber of fleet.zones.keys()) {
    const members = [...fleet.nodes.keys()].filter((node) => fleet.zoneOfNode[node] === zoneNumber);
    const stay = members.filter((node) => !leaving.has(fleet.nodes[node]!.id));
    const sum = (nodes: number[], of: (node: number) => number) =>
      nodes.reduce((total, node) => total + of(node), 0);
    const mean =
      sum(members, (node) => fleet.used[node]!) / sum(stay, (node) => fleet.nodes[node]!.capacity);
    for (const node of stay)
      worst = Math.max(worst, after[node]! / fleet.nodes[node]!.capacity / mean);
    minimum +=
      leaving.size > 0
        ? sum(
            members.filter((node) => leaving.has(fleet.nodes[node]!.id)),
            (node) => fleet.used[node]!,
          )
        : sum(members, (node) =>
            Math.max(0, fleet.used[node]! - mean * fleet.nodes[node]!.capacity),
          );
  }
  return { worst, minimum };
}

function run(name: string, scenario: Scenario): boolean {
  const fleet = fleetOf(scenario);
  const leaving = (scenario.leaves ?? []).flatMap((places, at) =>
    places.map((place) => nodeId(`${'abc'[at]}${String(place).padStart(3, '0')}`)),
  );
  const started = performance.now();
  const plan = leaving.length > 0 ? planDrain(fleet, leaving) : planRebalance(fleet);
  const seconds = (performance.now() - started) / 1000;
  const violations = checkPlan(fleet, plan, leaving.length > 0 ? { leaving } : {});
  const { worst, minimum } = balance(fleet, plan, new Set(leaving));
  const ratio = plan.bytesTotal / minimum;
  const ownRatio = plan.bytesTotal / plan.bytesMinimum;
  const good = [ratio, ownRatio, worst].every((figure) => figure <= 1.005);
  const isGood = good && plan.moves.length > 0 && violations.length + plan.blocks.length === 0;
  console.log(
    [
      name.padEnd(3),
      scenario.what.padEnd(42),
      `${fleet.holders.length} copies`.padStart(15),
      `${plan.moves.length} moves`.padStart(13),
      `moved/minimum ${ratio.toFixed(4)} (own ${ownRatio.toFixed(4)})`,
      `fill/mean ${worst.toFixed(4)}`,
      `${seconds.toFixed(3)} s`,
      `${Math.round(process.memoryUsage().rss / MiB)} MiB`,
      `${violations.length} violations, ${plan.blocks.length} blocks`,
      isGood ? 'ok' : 'MISSED',
    ].join('  '),
  );
  return isGood;
}

const wanted = process.argv.slice(2);
const chosen = Object.entries(scenarios).filter(
  ([name]) => wanted.length === 0 || wanted.includes(name),
);
const results = chosen.map(([name, scenario]) => run(name, scenario));
process.exitCode = results.length > 0 && results.every(Boolean) ? 0 : 1;
