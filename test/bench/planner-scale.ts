#!/usr/bin/env node
/**
 * Plans fleets of 1, 2, 5 and 10 million slots with the whole command and prints what that takes:
 *
 *   node test/bench/planner-scale.ts [SLOTS[:NODES]…]
 *
 * Snapshots are written as a stream to a temporary file: 1,000 slots a node (three sizes, one node in ten of
 * class `data`), six in ten slots copies, the others shards of 6+3. One node in ten has just joined; the
 * drain takes one in a hundred. Plans are read back and checked. Exits 1 if a figure misses its goal.
 */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { readPlan } from '../../lib/contract/plan-lines.ts';
import { readSnapshot } from '../../lib/contract/snapshot.ts';
import { checkPlan } from '../../lib/core/check-plan.ts';
import { bytesCrossZone } from '../../lib/core/cross-zone.ts';
import type { FleetMap } from '../../lib/core/fleet-map.ts';
import { nodeId } from '../../lib/core/ids.ts';
import type { Plan } from '../../lib/core/plan.ts';
import { MiB } from './planner-scenarios.ts';
import { nodesOf, type ScaleFleet, writeSnapshot } from './scale-fleet.ts';

const directory = mkdtempSync(join(tmpdir(), 'ballast-scale-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const snapshot = join(directory, 'snapshot.ndjson');
const planFile = join(directory, 'plan.ndjson');
const command = join(import.meta.dirname, '../../bin/ballast.ts');

/** The largest resident set and the processor time of the process, written when it ends. */
const report = `process.on('exit', () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
process.stderr.write('\\n' + JSON.stringify({ maxRSS, cpu: (userCPUTime + systemCPUTime) / 1e6 })); });`;

async function planned(options: readonly string[]) {
  const started = performance.now();
  const preload = `data:text/javascript,${encodeURIComponent(report)}`;
  const child = spawn(
    process.execPath,
    ['--import', preload, command, 'plan', '--snapshot', snapshot, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [said] = await Promise.all([
    text(child.stderr),
    pipeline(child.stdout, createWriteStream(planFile)),
  ]);
  const { maxRSS, cpu } = JSON.parse(said.split('\n').at(-1)!) as { maxRSS: number; cpu: number };
  return { seconds: (performance.now() - started) / 1000, cpu, rssMiB: maxRSS / 1024 };
}

/** The largest fill over that of its zone as a whole, and what must move at least. */
function balance(fleet: FleetMap, plan: Plan, leaving: ReadonlySet<number>) {
  const after = fleet.used.slice();
  for (const { from, to, bytes } of plan.moves) {
    after[fleet.nodeIndex.get(from)!]! -= bytes;
    after[fleet.nodeIndex.get(to)!]! += bytes;
  }
  let worst = 0;
  let minimum = 0;
  for (const zone of fleet.zones.keys()) {
    const members = [...fleet.nodes.keys()].filter((node) => fleet.zoneOfNode[node] === zone);
    const stay = members.filter((node) => !leaving.has(node));
    const sum = (nodes: readonly number[], of: (node: number) => number) =>
      nodes.reduce((total, node) => total + of(node), 0);
    const mean =
      sum(members, (node) => fleet.used[node]!) / sum(stay, (node) => fleet.nodes[node]!.capacity);
    const fillOf = (node: number) => after[node]! / fleet.nodes[node]!.capacity;
    worst = Math.max(worst, ...stay.map((node) => fillOf(node) / mean));
    minimum += sum(members, (node) =>
      leaving.size > 0
        ? leaving.has(node)
          ? fleet.used[node]!
          : 0
        : Math.max(0, fleet.used[node]! - mean * fleet.nodes[node]!.capacity),
    );
  }
  return { worst, minimum };
}

async function run(name: string, fleet: ScaleFleet, leaving: readonly string[]): Promise<boolean> {
  const took = await planned(leaving.length > 0 ? ['--drain', leaving.join(',')] : ['--rebalance']);
  const map = (
    await readSnapshot(createReadStream(snapshot, { highWaterMark: MiB }))
  ).fleet.build();
  const { plan } = await readPlan(createReadStream(planFile, { highWaterMark: MiB }));
  const ids = leaving.map(nodeId);
  const violations = checkPlan(map, plan, ids.length > 0 ? { leaving: ids } : {});
  const gone = new Set(ids.map((id) => map.nodeIndex.get(id)!));
  const { worst, minimum } = balance(map, plan, gone);
  const ratio = plan.bytesTotal / minimum;
  const pairs = new Set(plan.moves.map(({ from, to }) => `${from} ${to}`)).size;
  const isGood =
    ratio <= 1.005 &&
    (ids.length > 0 || worst <= 1.005) &&
    took.rssMiB <= 4096 &&
    plan.moves.length > 0 &&
    violations.length + plan.blocks.length === 0;
  console.log(
    [
      `${map.holders.length} slots`.padStart(14),
      `${fleet.nodes} nodes`.padStart(11),
      name.padEnd(9),
      `${took.seconds.toFixed(1)} s (processor ${took.cpu.toFixed(1)} s, ${((took.cpu / map.holders.length) * 1e6).toFixed(2)} µs a slot)`,
      `${Math.round(took.rssMiB)} MiB`,
      `${plan.moves.length} moves over ${pairs} pairs`,
      `moved/minimum ${ratio.toFixed(4)}`,
      `fill/mean ${worst.toFixed(4)}`,
      `${bytesCrossZone(map, plan.moves)} B between zones`,
      `${violations.length} violations, ${plan.blocks.length} blocks`,
      isGood ? 'ok' : 'MISSED',
    ].join('  '),
  );
  return isGood;
}

/** One in a hundred of the nodes that hold something, of all zones. */
const leavingOf = (fleet: ScaleFleet): string[] =>
  nodesOf(fleet)
    .filter(({ joins }) => !joins)
    .filter((_, at) => at % 100 === 50)
    .map(({ id }) => id);

async function runAll(size: string): Promise<boolean> {
  const [slots, nodes = slots! / 1000] = size.split(':').map(Number);
  const joined = { slots: slots!, nodes, joinShare: 0.1, seed: slots! };
  await writeSnapshot(snapshot, joined);
  const rebalanced = await run('rebalance', joined, []);
  const level = { ...joined, joinShare: 0 };
  await writeSnapshot(snapshot, level);
  return (await run('drain', level, leavingOf(level))) && rebalanced;
}

const sizes = process.argv.slice(2);
for (const size of sizes.length > 0 ? sizes : ['1000000', '2000000', '5000000', '10000000']) {
  if (!(await runAll(size))) process.exitCode = 1;
}
