import { expect, test } from 'vitest';
import { viewJobs } from '../../lib/cli/look/job-view.ts';
import { readMovesOf } from '../../lib/cli/look/move-view.ts';
import { type Job, listJobs } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { findDamage } from '../../lib/control/scrub.ts';
import { startRepair } from '../../lib/control/start-job.ts';
import { chunkId, jobId } from '../../lib/core/ids.ts';
import { forever, putFile, take } from '../control/acts.ts';
import { World } from '../control/world.ts';

const nodes = { a1: 'a', b1: 'b', c1: 'c' };

/** A repair whose one move mends a copy in place. */
async function mending() {
  const world = new World({ nodes, policy: { autoscaling: false } });
  const { ports } = world;
  const [chunk] = await putFile(world, 'f', 'content of f');
  const [holder, ...others] = world.placement(chunk!)!.holders;
  world.node(holder!).rot(chunk!);
  await startRepair(ports, [], ['rot'], await findDamage(ports, [chunkId(chunk!)]));
  const job = async (): Promise<Job> => (await listJobs(ports.tables))[0]!;
  await planJob(ports, jobId((await job()).id));
  const status = async () => {
    const [move] = await readMovesOf(ports.tables, await job(), world.nowMs);
    return move === undefined ? 'none' : `${move.from} to ${move.to} ${move.status}`;
  };
  return { ...{ world, ports, job, status, holder: holder! }, others };
}

test('a move in place is done when it is done, not because its holder is there before', async () => {
  const { world, ports, job, status, holder } = await mending();
  const way = `${holder} to ${holder}`;
  expect(await status()).toBe(`${way} pending`);
  await pace(ports, (await job()).id);
  expect(await status()).toBe(`${way} running`);
  await migrate(ports, take(world.messages), forever);
  expect(await status()).toBe(`${way} completed`);
  const [view] = await viewJobs(ports.tables, [await job()], world.nowMs);
  expect(view!.nodes).toEqual([holder]);
});

test('one for which nobody had the bytes has failed, and says why', async () => {
  const { world, ports, job, others } = await mending();
  await pace(ports, (await job()).id);
  for (const other of others) world.node(other).isUp = false;
  await migrate(ports, take(world.messages), forever);
  const [move] = await readMovesOf(ports.tables, await job(), world.nowMs);
  expect(move).toMatchObject({ status: 'failed', bytesDone: 0 });
  expect(move!.error).toMatch(/source/);
});
