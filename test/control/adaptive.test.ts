import { expect, test } from 'vitest';
import { OutcomeRecord, PaceRecord } from '../../lib/contract/job-records.ts';
import { outcomePartition, paceKey } from '../../lib/contract/keys.ts';
import type { Policy } from '../../lib/contract/policy.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { setPaused } from '../../lib/control/pause.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { adaptEveryMs } from '../../lib/core/adaptive.ts';
import { type JobId, nodeId } from '../../lib/core/ids.ts';
import { forever, putFiles, runJob, take } from './acts.ts';
import { flights } from './moving.ts';
import { World } from './world.ts';

/** The adaptive rule at work: what migrations record changes what a later pacing sends first (row 20). */

const takers = 14;
const movesPerBatch = 2;

/**
 * Two drains with a batch for each of fourteen takers, one of which flies at a time: `due` has a deadline, `first`
 * the higher priority. So the balanced rule sends `due` first, and the rule of priorities `first`.
 */
async function twoDrains(policy: Partial<Policy>) {
  const world = new World({
    policy: {
      ...{ graceMs: 0, autoscaling: false, fleetBatchesMax: 1, ageingMs: 1e9 },
      ...{ nodeRateBytes: 10, batchRateBytes: 10, scheduling: 'adaptive', ...policy },
    },
  });
  await putFiles(world, takers * movesPerBatch);
  for (const zone of ['a', 'b']) {
    for (let i = 0; i < takers; i++) world.enrol(`${zone}-taker${i}`, zone);
  }
  const deadline = world.nowMs + 10 * 3_600_000;
  const due = await planned(world, 'a1', { deadline });
  const first = await planned(world, 'b1', { priority: 9 });
  await pace(world.ports);
  return { world, due, first };
}

async function planned(world: World, node: string, wish: Parameters<typeof startDrain>[3]) {
  const started = await startDrain(world.ports, [nodeId(node)], [], wish);
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await planJob(world.ports, started.job);
  return started.job;
}

const batchesJudged = 6;

/** Carries what is sent, batch after batch, then nothing is sent until {@link resume}. @returns their jobs */
async function carry(world: World, eachMs: number): Promise<readonly string[]> {
  const jobs: string[] = [];
  for (let left = batchesJudged; left > 0; left--) {
    if (left === 1) await setPaused(world.ports, 'all', true, 'the next decision');
    const message = take(world.messages);
    jobs.push(message.job);
    let copies = 0;
    world.beforePullEvent = () => {
      if (copies++ === 0) world.pass(eachMs);
    };
    await migrate(world.ports, message, forever);
  }
  expect(flights(world)).toEqual([]);
  return jobs;
}

/** @returns the job of which the next pacing sends a batch */
async function resume(world: World): Promise<string> {
  await setPaused(world.ports, 'all', false, 'go on');
  await pace(world.ports);
  expect(world.messages).toHaveLength(1);
  return world.messages[0]!.job;
}

async function decide(world: World, times: number): Promise<PaceRecord['adapting']> {
  for (let i = 0; i < times; i++) {
    world.pass(adaptEveryMs);
    await pace(world.ports);
  }
  return adaptingOf(world);
}

const adaptingOf = ({ store }: World) => PaceRecord.parse(store.get(paceKey)).adapting;
const outcomesOf = ({ store }: World) =>
  store.all('placement', outcomePartition).map((item) => OutcomeRecord.parse(item));

const times = (count: number, job: JobId): readonly string[] => Array(count).fill(job);
const [fast, slow] = [2_000, 40_000];

test.each<
  [behaviour: string, balancedMs: number, priorityMs: number, chosen: 'balanced' | 'priority']
>([
  ['a rule that was tried and did better is in force', slow, fast, 'priority'],
  ['a rule that was tried and did worse is given up', fast, slow, 'balanced'],
])('%s', async (_behaviour, balancedMs, priorityMs, chosen) => {
  const { world, due, first } = await twoDrains({});
  expect(await carry(world, balancedMs)).toEqual(times(batchesJudged, due));
  expect(await decide(world, 5)).toMatchObject({
    ...{ scheduling: 'priority', decisions: 6 },
    reason: 'tries priority: 0 outcomes known, 5 are needed to judge it',
  });
  expect(await resume(world)).toBe(first);
  expect(await carry(world, priorityMs)).toEqual(times(batchesJudged, first));
  const other = chosen === 'balanced' ? 'priority' : 'balanced';
  expect(await decide(world, 1)).toMatchObject({
    ...{ scheduling: chosen, decisions: 7 },
    reason: expect.stringMatching(
      new RegExp(`^${chosen} 0.*6 outcomes.; ${other} 0.*6 outcomes.$`),
    ),
  });
  expect(await resume(world)).toBe(chosen === 'balanced' ? due : first);
  expect(flights(world)).toMatchObject([{ scheduling: chosen }]);
});

test('each batch that ends records how it fared, under the rule that sent it', async () => {
  const { world } = await twoDrains({});
  const startedAt = world.nowMs;
  await carry(world, slow);
  const outcomes = outcomesOf(world);
  expect(outcomes).toHaveLength(batchesJudged);
  for (const [i, outcome] of outcomes.toReversed().entries())
    expect(outcome).toMatchObject({
      ...{ scheduling: 'balanced', from: 'a1', to: expect.stringMatching(/^a-taker/) },
      ...{ startedAt: startedAt + i * slow, endedAt: startedAt + (i + 1) * slow },
      bytes: expect.toSatisfy((bytes: number) => bytes > 0),
    });
  expect(new Set(outcomes.map(({ to }) => to)).size).toBe(batchesJudged);
});

test('between decisions the rule stays, whatever is recorded', async () => {
  const { world } = await twoDrains({});
  await carry(world, fast);
  const before = adaptingOf(world);
  expect(before).toMatchObject({ decisions: 1, scheduling: 'balanced' });
  world.pass(adaptEveryMs - batchesJudged * fast - 1);
  await pace(world.ports);
  expect(adaptingOf(world)).toEqual(before);
  world.pass(1);
  await pace(world.ports);
  expect(adaptingOf(world)).toMatchObject({ decisions: 2, decidedAt: world.nowMs });
});

test('a rule that an operator set learns nothing and stays', async () => {
  const { world, first } = await twoDrains({ scheduling: 'priority' });
  expect(await carry(world, slow)).toEqual(times(batchesJudged, first));
  expect(outcomesOf(world)).toEqual([]);
  expect(await decide(world, 6)).toMatchObject({ decisions: 0 });
  expect(await resume(world)).toBe(first);
});
