import { expect, test } from 'vitest';
import { nodePolicyKey, policyKey } from '../../lib/contract/keys.ts';
import { tellNodes } from '../../lib/control/tell-nodes.ts';
import { pairs, World } from './world.ts';

const toldIn = async (world: World) => (await world.ports.tables.get([nodePolicyKey]))[0];
const set = (world: World, fields: Record<string, string | number>) =>
  world.ports.tables.write([{ op: 'put', key: policyKey, fields }]);

test("nodes are told the deployment's policy, then the operators', and nothing is written twice", async () => {
  const world = new World({ nodes: pairs, policy: { throttle: 'load' } });
  await tellNodes(world.ports);
  expect(await toldIn(world)).toMatchObject({ throttle: 'load', latencyObjectiveMs: 20 });
  await set(world, { throttle: 'fixed', throttleRateBytes: 5 });
  await tellNodes(world.ports);
  expect(await toldIn(world)).toMatchObject({ throttle: 'fixed', throttleRateBytes: 5 });
  let writes = 0;
  const { tables } = world.ports;
  const counting = Object.assign(Object.create(tables), {
    write: (...args: Parameters<typeof tables.write>) => {
      writes += 1;
      return tables.write(...args);
    },
  });
  await tellNodes({ ...world.ports, tables: counting });
  expect(writes).toBe(0);
});

test('a late run never puts an old wish over a new one', async () => {
  const world = new World({ nodes: pairs, policy: { throttle: 'load' } });
  await tellNodes(world.ports);
  await set(world, { throttle: 'fixed' });
  const { tables } = world.ports;
  // Between its reads and its write an operator sets another policy, and tells it.
  const stalled = Object.assign(Object.create(tables), {
    write: async (...args: Parameters<typeof tables.write>) => {
      await set(world, { throttle: 'none' });
      await tellNodes(world.ports);
      return tables.write(...args);
    },
  });
  await tellNodes({ ...world.ports, tables: stalled });
  expect(await toldIn(world)).toMatchObject({ throttle: 'none' });
});
