import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { chunkPath } from '../../lib/agent/paths.ts';
import { AgentNodes } from '../../lib/aws/nodes.ts';
import { nodeKey } from '../../lib/contract/keys.ts';
import type { NodeAddress, Nodes } from '../../lib/control/ports.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { watch } from '../../lib/control/watch.ts';
import { jobId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, putFile, runJob } from '../control/acts.ts';
import { World } from '../control/world.ts';
import { fleetKey } from './arrivals.ts';
import { type Started, startedAgent } from './started-agent.ts';

/** The watch over real agents: tables in memory, bytes on disks. */
async function fleetOf(zones: Readonly<Record<string, string>>) {
  const agents = new Map<string, Started>();
  for (const node of Object.keys(zones)) agents.set(node, await startedAgent({ node }));
  const real = new AgentNodes(async () => fleetKey);
  const at = ({ node }: NodeAddress): NodeAddress => ({ node, address: agents.get(node)!.address });
  const nodes: Nodes = {
    put: (to, chunk) => real.put(at(to), chunk),
    read: (from, chunk) => real.read(at(from), chunk),
    pull: (to, sources, chunks, rate) => real.pull(at(to), sources.map(at), chunks, rate),
    remove: (from, removals) => real.remove(at(from), removals),
    renew: (node, renewals) => real.renew(at(node), renewals),
    close: (node) => real.close(at(node)),
    held: (node, after) => real.held(at(node), after),
    damaged: (node, after) => real.damaged(at(node), after),
    heat: (node, limit) => real.heat(at(node), limit),
    stats: (node) => real.stats(at(node)),
  };
  const policy = { autoscaling: false, parkingMs: 1_000 };
  const world = new World({ nodes: zones, policy, wrap: (ports) => ({ ...ports, nodes }) });
  for (const [node, { parts }] of agents) {
    const { incarnation } = parts.store;
    world.node(node).incarnation = incarnation;
    world.store.write([{ op: 'update', key: nodeKey(nodeId(node)), set: { incarnation } }]);
  }
  /** Time passes; all beat with what their agents say. */
  const look = async () => {
    world.pass(60_000);
    for (const [node, { parts }] of agents) world.beat(node, { ...parts.scrubber.told });
    await watch(world.ports);
  };
  return { world, agents, look };
}

test('a bit that flips on a disk is found, never read by anybody, repaired, and gone', async () => {
  const { world, agents, look } = await fleetOf({ a1: 'a', b1: 'b', c1: 'c', c2: 'c' });
  const content = 'of a file '.repeat(50);
  const [chunk] = await putFile(world, 'f', content);
  const { holders } = world.placement(chunk!)!;
  const bad = holders.find((node) => node.startsWith('c'))!;
  const agent = agents.get(bad)!;
  const file = await open(chunkPath(agent.directory, chunk!), 'r+');
  await file.write('X', 250);
  await file.close();
  await look();
  expect(world.started).toEqual([]);
  for (let i = 0; i < 3; i++) expect(await contentOf(world, 'f')).toBe(content);

  for (const { parts } of agents.values()) {
    parts.scrubber.start();
    parts.scrubber.days = 14;
  }
  const { scrubber, store } = agent.parts;
  await expect.poll(() => scrubber.told.damaged, { timeout: 5_000, interval: 10 }).toBe(1);
  await look();
  await look();
  const [[, job]] = world.started as [[string, string]];
  expect(new Set(world.started.map(([, id]) => id)).size).toBe(1);
  expect(await runJob(world, jobId(job))).toBe('done');
  const now = world.placement(chunk!)!.holders;
  expect(now).not.toContain(bad);
  for (const node of now) {
    const sound = agents.get(node)!.parts.store;
    expect(await sound.damageOf(chunk!, (read) => read())).toBeUndefined();
  }
  world.pass(60_000);
  await sweep(world.ports, []);
  expect(store.holds(chunk!)).toBe(false);
  expect(scrubber.told.damaged).toBe(0);
  expect(await contentOf(world, 'f')).toBe(content);
});
