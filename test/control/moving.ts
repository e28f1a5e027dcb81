import { expect } from 'vitest';
import { batchKey, flightPartition } from '../../lib/contract/keys.ts';
import type { BatchMessage } from '../../lib/contract/messages.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { batchId, type JobId, jobId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, putFiles, runJob, take } from './acts.ts';
import { pairs, World } from './world.ts';

/** A drain whose moves are planned; `full` is what leaves, `to` the node of its zone that takes them. */
export async function moving(policy: ConstructorParameters<typeof World>[0] = {}, files = 12) {
  const world = new World({ nodes: pairs, policy: { graceMs: 0, autoscaling: false }, ...policy });
  await putFiles(world, files);
  const full = world.node('a1').chunks.length >= world.node('a2').chunks.length ? 'a1' : 'a2';
  const to = full === 'a1' ? 'a2' : 'a1';
  const started = await startDrain(world.ports, [nodeId(full)], []);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await planJob(world.ports, started.job);
  return { world, ports: world.ports, job: started.job, full, to };
}

/** As {@link moving}, with its first batch sent. */
export async function sent(policy: ConstructorParameters<typeof World>[0] = {}, files = 12) {
  const setting = await moving(policy, files);
  await pace(setting.ports, setting.job);
  return { ...setting, message: take(setting.world.messages) };
}

export const flights = ({ store }: World) => store.all('placement', flightPartition, 'B#');
export const batchOf = ({ store }: World, { job, batch }: BatchMessage) =>
  store.get(batchKey(jobId(job), batchId(batch)));

/** Plans, paces and works on until nothing is left, whatever went wrong before. */
export async function ends(world: World, job: JobId): Promise<void> {
  world.pass(world.ports.policy.flightLimitMs + 1);
  expect(await runJob(world, job)).toBe('done');
  expect(world.problems()).toEqual([]);
  expect(await contentOf(world, 'f1')).toBe('content of 1');
  expect(flights(world)).toEqual([]);
}
