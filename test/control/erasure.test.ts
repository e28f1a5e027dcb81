import { describe, expect, test } from 'vitest';
import { removeFiles } from '../../lib/control/files.ts';
import { findDamage } from '../../lib/control/scrub.ts';
import { startDrain, startRepair } from '../../lib/control/start-job.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { slotBytes } from '../../lib/core/fleet.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { bytes } from '../../lib/core/units.ts';
import { subsetsOf } from '../support/subsets.ts';
import { runJob } from './acts.ts';
import { fourTwo, loseAndRepair, putCoded, sixThree, threeZones, unreadable } from './coded.ts';
import { World } from './world.ts';

const sizes = [0, 1, 5, 1_000];
const policy = { graceMs: 0, parkingMs: 0, autoscaling: false };

describe.each([
  [fourTwo, 15],
  [sixThree, 84],
])('%o, every one of %i ways to lose m shards', (code, ways) => {
  const slots = Array.from({ length: code.data + code.parity }, (_, slot) => slot);
  const losses = subsetsOf(slots, code.parity);
  /** As many nodes as shards, and what a repair needs. */
  const nodes = threeZones(slots.length + code.parity);

  test('every file reads with the nodes away', async () => {
    expect(losses).toHaveLength(ways);
    const world = new World({ nodes, policy });
    const chunks = await putCoded(world, code, sizes);
    const { holders } = world.placement(chunks[0]!)!;
    for (const lost of losses) {
      for (const slot of lost) world.node(holders[slot]!).isUp = false;
      expect(await unreadable(world, chunks, sizes)).toEqual([]);
      for (const slot of lost) world.node(holders[slot]!).isUp = true;
    }
  });

  test('every file reads with the shards rotten', async () => {
    const world = new World({ nodes, policy });
    const chunks = await putCoded(world, code, sizes);
    for (const lost of losses) {
      const rotten = lost.flatMap((slot) =>
        chunks.map((chunk) => copyOf(world, world.placement(chunk)!.holders[slot]!, chunk)),
      );
      const kept = rotten.map((copy) => copy.bytes);
      for (const copy of rotten) copy.bytes = Uint8Array.of(...copy.bytes.map((b) => b ^ 255), 1);
      expect(await unreadable(world, chunks, sizes)).toEqual([]);
      for (const [i, copy] of rotten.entries()) copy.bytes = kept[i]!;
    }
  });

  test('every file is repaired: all shards are back, on other nodes, with the right bytes', async () => {
    for (const lost of losses) {
      const world = new World({ nodes, policy });
      const chunks = await putCoded(world, code, sizes);
      const { holders } = world.placement(chunks[0]!)!;
      const names = lost.map((slot) => holders[slot]!);
      expect(await loseAndRepair(world, names)).toBe('done');
      expect(world.problems()).toEqual([]);
      for (const chunk of chunks) expect(world.placement(chunk)!.holders).not.toContain(names[0]);
      expect(await unreadable(world, chunks, sizes)).toEqual([]);
    }
  });
});

test('one shard more than m is a loss, and is called one', async () => {
  const world = new World({ nodes: threeZones(8), policy });
  const chunks = await putCoded(world, fourTwo, sizes);
  for (const holder of world.placement(chunks[3]!)!.holders.slice(2, 5)) {
    world.node(holder).isUp = false;
  }
  expect(await unreadable(world, [chunks[3]!], [1_000])).toEqual([
    expect.stringContaining('does not answer'),
  ]);
});

test('a node of shards is drained: each is copied, and the rest stays where it is', async () => {
  const world = new World({ nodes: threeZones(9), policy });
  const chunks = await putCoded(world, fourTwo, sizes);
  const before = chunks.map((chunk) => world.placement(chunk)!.holders);
  const leaving = before[0]![1]!;
  const started = await startDrain(world.ports, [nodeId(leaving)], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  expect(world.problems()).toEqual([]);
  expect(world.state(leaving)).toBe('gone');
  for (const [i, chunk] of chunks.entries()) {
    const { holders, version } = world.placement(chunk)!;
    expect(holders.filter((holder, slot) => holder !== before[i]![slot])).toHaveLength(1);
    expect(version).toBe(2);
  }
  expect(await unreadable(world, chunks, sizes)).toEqual([]);
});

test('a drain of a node that does not answer is rebuilt from the others', async () => {
  const world = new World({ nodes: threeZones(9), policy });
  const chunks = await putCoded(world, fourTwo, sizes);
  const leaving = world.placement(chunks[0]!)!.holders[0]!;
  const started = await startDrain(world.ports, [nodeId(leaving)], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, {
    until: 'prove',
    before: () => {
      world.node(leaving).isUp = false;
    },
  });
  expect(world.problems()).toEqual([]);
  for (const chunk of chunks) expect(world.placement(chunk)!.holders).not.toContain(leaving);
});

test('a rotten shard that is drained arrives whole', async () => {
  const world = new World({ nodes: threeZones(9), policy });
  const chunks = await putCoded(world, fourTwo, sizes);
  const leaving = world.placement(chunks[3]!)!.holders[2]!;
  const copy = copyOf(world, leaving, chunks[3]!);
  copy.bytes = Uint8Array.from(copy.bytes, (byte) => byte ^ 1);
  const started = await startDrain(world.ports, [nodeId(leaving)], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  expect(world.problems()).toEqual([]);
  expect(await unreadable(world, chunks, sizes)).toEqual([]);
});

test.each([
  ['shards', fourTwo],
  ['copies', { kind: 'replicated', copies: 3 } as const],
])('%s that rot or vanish are found, and repaired elsewhere', async (_what, rule) => {
  const world = new World({ nodes: threeZones(9), policy });
  const chunks = await putCoded(world, rule, sizes);
  expect(await findDamage(world.ports, chunks)).toEqual([]);
  const { holders } = world.placement(chunks[3]!)!;
  const copy = copyOf(world, holders[0]!, chunks[3]!);
  copy.bytes = Uint8Array.from(copy.bytes, (byte) => byte ^ 1);
  world.node(holders[2]!).shelves.delete(chunks[3]!);
  world.node(holders[1]!).isUp = false;
  const damaged = await findDamage(world.ports, chunks);
  expect(damaged.map(({ chunk, slot }) => [chunk, slot])).toEqual([
    [chunks[3], 0],
    [chunks[3], 2],
  ]);
  world.node(holders[1]!).isUp = true;
  const started = await startRepair(world.ports, [], ['damaged'], damaged);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  expect(world.problems()).toEqual([]);
  expect(await findDamage(world.ports, chunks)).toEqual([]);
  const now = world.placement(chunks[3]!)!.holders;
  expect([now[0], now[2]]).not.toEqual([holders[0], holders[2]]);
  expect(now[1]).toBe(holders[1]);
});

test('another shard that reached the destination and was never committed is overtaken', async () => {
  const world = new World({ nodes: threeZones(7), policy });
  const [chunk] = await putCoded(world, fourTwo, [1_000]);
  const { holders } = world.placement(chunk!)!;
  const free = [...world.nodes.values()].find(({ id }) => !holders.includes(id))!;
  free.write(chunk!, 5, 2, copyOf(world, holders[5]!, chunk!).bytes, world.nowMs);
  const leaving = holders.find((holder) => zoneOf(world, holder) === zoneOf(world, free.id))!;
  const started = await startDrain(world.ports, [nodeId(leaving)], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  expect(await runJob(world, started.job)).toBe('done');
  expect(world.placement(chunk!)!.holders).toContain(free.id);
  expect(world.problems()).toEqual([]);
});

test('a put goes around nodes that fail: whoever has a shard keeps it', async () => {
  const world = new World({ nodes: threeZones(9), policy });
  const [first] = await putCoded(world, fourTwo, [1_000]);
  const preferred = world.placement(first!)!.holders;
  const again = new World({ nodes: threeZones(9), policy });
  for (const slot of [0, 3]) again.node(preferred[slot]!).isUp = false;
  const [chunk] = await putCoded(again, fourTwo, [1_000]);
  const { holders } = again.placement(chunk!)!;
  for (const slot of [1, 2, 4, 5]) expect(holders[slot]).toBe(preferred[slot]);
  expect(again.problems()).toEqual([]);
  expect(again.orphans()).toEqual([]);
});

test('shards are a k-th of the chunk, and removed with it', async () => {
  const world = new World({ nodes: threeZones(9), policy });
  const [chunk] = await putCoded(world, sixThree, [1_000]);
  const { holders, shards } = world.placement(chunk!)!;
  expect(shards).toHaveLength(9);
  for (const holder of holders) {
    expect(copyOf(world, holder, chunk!).bytes).toHaveLength(slotBytes(bytes(1_000), sixThree));
  }
  expect(await removeFiles(world.ports, ['coded/0'])).toBe(1);
  await sweep(world.ports, []);
  await sweep(world.ports, []);
  expect(world.placement(chunk!)!.state).toBe('removed');
  expect([...world.nodes.values()].flatMap((node) => node.chunks)).toEqual([]);
});

const copyOf = (world: World, node: string, chunk: string) =>
  world.node(node).shelves.get(chunk)!.copy!;
const zoneOf = (world: World, node: string) => world.record(node)?.zone;
