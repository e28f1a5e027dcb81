#!/usr/bin/env node
/**
 * Plans a drain and a rebalance through lib/control, over tables in memory:
 *
 *   node test/bench/control-scale.ts [NODES [CHUNKS]]
 *
 * Prints the processor time of each step and the resident set: what the simulator can do without clock or network.
 */
import { randomUUID } from 'node:crypto';
import { chunkKey } from '../../lib/contract/keys.ts';
import { readFleet } from '../../lib/control/fleet.ts';
import { listOps } from '../../lib/control/inventory.ts';
import { mapOf, observeDrain } from '../../lib/control/observe.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { planRebalance } from '../../lib/core/rebalance.ts';
import { memoryFleet } from '../support/memory-fleet.ts';
import { generator } from './generator.ts';
import { MiB } from './planner-scenarios.ts';

const [nodes = 1_000, chunks = 100_000] = process.argv.slice(2).map(Number);
const chunksPerWrite = 24;
const next = generator(1);
const name = (at: number) => `n${String(at).padStart(5, '0')}`;
const zones = 'abc';

async function timed<T>(what: string, step: () => Promise<T>): Promise<T> {
  const started = process.cpuUsage();
  const result = await step();
  const rss = Math.round(process.memoryUsage().rss / MiB);
  const { user, system } = process.cpuUsage(started);
  console.log(`${what.padEnd(40)} processor ${((user + system) / 1e6).toFixed(2)} s  ${rss} MiB`);
  return result;
}

const fleet = memoryFleet(
  Object.fromEntries(Array.from({ length: nodes }, (_, at) => [name(at), zones[at % 3]!])),
  { nodeCapacityBytes: 1e12 },
);

const drawn = (zone: number) => nodeId(name(3 * Math.floor((next() * (nodes - 3)) / 3) + zone));

await timed(`${nodes} nodes, ${chunks} chunks written`, async () => {
  for (let at = 0; at < chunks; at += chunksPerWrite) {
    const placed = Array.from({ length: Math.min(chunksPerWrite, chunks - at) }, (_, offset) => ({
      chunk: chunkId(String(at + offset).padStart(64, '0')),
      holders: [drawn(0), drawn(1), drawn(2)],
    }));
    for (const { chunk, holders } of placed) {
      const fields = {
        ...{ state: 'live', size: 1_000, sha256: chunk, kind: 'data', version: 1, lastOp: '' },
        ...{ redundancy: { kind: 'replicated', copies: 3 }, holders },
      };
      fleet.store.write([{ op: 'put', key: chunkKey(chunk), fields }]);
    }
    for (const op of listOps(placed, randomUUID())) fleet.store.write([op]);
  }
});

const { plan } = await timed('a drain observed and planned', () =>
  observeDrain(fleet.ports, [nodeId(name(7)), nodeId(name(8))], []),
);
console.log(`  ${plan.moves.length} moves, ${plan.blocks.length} blocks`);

const levelled = await timed('a rebalance observed and planned', async () => {
  const nodesNow = await readFleet(fleet.ports.tables);
  return planRebalance(
    await mapOf(
      fleet.ports,
      nodesNow,
      nodesNow.map(({ id }) => id),
    ),
  );
});
console.log(`  ${levelled.moves.length} moves`);
