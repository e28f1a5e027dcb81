import { expect, test } from 'vitest';
import { guardKey } from '../../lib/contract/keys.ts';
import { admit } from '../../lib/control/admit.ts';
import { connections } from '../../lib/control/connections.ts';
import { finish } from '../../lib/control/finish.ts';
import { cancelJob } from '../../lib/control/jobs.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { TryLater } from '../../lib/control/ports.ts';
import { prove } from '../../lib/control/prove.ts';
import { previewDrain, startDrain } from '../../lib/control/start-job.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { terminate } from '../../lib/control/terminate.ts';
import { undrain } from '../../lib/control/undrain.ts';
import { watch } from '../../lib/control/watch.ts';
import { type JobId, jobId, nodeId } from '../../lib/core/ids.ts';
import { contentOf, forever, jobOf, putFile, putFiles, runJob, take, work } from './acts.ts';
import { pairs, World } from './world.ts';

async function drained(world: World, ...nodes: string[]): Promise<JobId> {
  const started = await startDrain(world.ports, nodes.map(nodeId), ['asked']);
  if (started.kind === 'blocked') throw new Error(JSON.stringify(started.blocks));
  return started.job;
}

/** A fleet with files, and the node that holds the first of them in zone a. */
async function filled(options: ConstructorParameters<typeof World>[0] = {}) {
  const world = new World({ nodes: pairs, policy: { graceMs: 0, autoscaling: false }, ...options });
  await putFiles(world, 12);
  const held = (name: string) => world.node(name).chunks.length;
  return { world, full: held('a1') >= held('a2') ? 'a1' : 'a2' };
}

const instanceOf = (world: World, node: string) =>
  world.machines.find((machine) => machine.node === node)?.state;

test.each([[50], [1]])(
  'a drained node leaves with a certificate (pages of %d)',
  async (pageItems) => {
    const { world, full } = await filled({ pageItems });
    const copies = world.node(full).chunks.length;
    const job = await drained(world, full);
    expect(await runJob(world, job)).toBe('done');
    expect(world.state(full)).toBe('gone');
    expect(instanceOf(world, full)).toBe('terminated');
    expect(jobOf(world, job)).toMatchObject({ state: 'done', movesDone: copies, movesFailed: 0 });
    const certificate = world.archive.get(`certificates/${job}/${full}.ndjson`)!.trim().split('\n');
    expect(certificate).toHaveLength(1 + copies);
    const [head, ...lines] = certificate.map((line) => JSON.parse(line));
    expect(head).toMatchObject({ certificate: 2, node: full, job, chunks: copies });
    for (const { chunk, sha256, holder, movedAt, state, slot } of lines) {
      const { holders, sha256: stored } = world.placement(chunk)!;
      expect([state, sha256, holder]).toEqual(['live', stored, holders[slot]]);
      expect(Date.parse(movedAt)).toBeGreaterThan(0);
    }
    expect(world.problems()).toEqual([]);
    expect(await contentOf(world, 'f3')).toBe('content of 3');
  },
);

test('a second run of every step changes nothing', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  const { ports } = world;
  const twice: Record<string, (id: JobId) => Promise<unknown>> = {
    connections: (id) => admit(ports, id),
    pace: (id) => planJob(ports, id),
    prove: (id) => pace(ports, id),
    terminate: (id) => prove(ports, id),
  };
  await runJob(world, job, { before: async (step) => void (await twice[step]?.(job)) });
  expect(jobOf(world, job).state).toBe('done');
  await terminate(ports, job);
  await finish(ports, { job, outcome: 'failed' });
  expect(jobOf(world, job).state).toBe('done');
  expect(world.state(full)).toBe('gone');
  expect(world.problems()).toEqual([]);
});

test('an execution that begins anew at its first step goes on where the nodes are', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  for (const until of ['connections', 'plan', 'prove', 'terminate']) {
    await runJob(world, job, { until });
    expect(jobOf(world, job).state).toBe('running');
  }
  expect(world.state(full)).toBe('drained');
  expect(await runJob(world, job)).toBe('done');
  expect(world.state(full)).toBe('gone');
  expect(jobOf(world, job).bytesMinimum).toBeGreaterThan(0);
});

test.each(['connections', 'plan', 'pace', 'prove'])(
  'cancelled before %s, the node is given back',
  async (until) => {
    const { world, full } = await filled();
    const job = await drained(world, full);
    await runJob(world, job, { until });
    expect(await cancelJob(world.ports, job)).toBe(true);
    expect(await cancelJob(world.ports, job)).toBe(false);
    expect(await runJob(world, job)).toBe('cancelled');
    await work(world);
    expect(world.state(full)).toBe('active');
    expect(world.problems()).toEqual([]);
    expect(await startDrain(world.ports, [nodeId(full)], [])).toMatchObject({ kind: 'started' });
  },
);

test('nothing leads back from a proof: a node drained for a cancelled job goes', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'terminate' });
  await cancelJob(world.ports, job);
  expect(await undrain(world.ports, nodeId(full))).toBe('drained');
  await finish(world.ports, { job, outcome: 'cancelled' });
  expect(world.state(full)).toBe('drained');
  world.pass(world.ports.policy.parkingMs);
  await watch(world.ports);
  world.shutDown();
  await watch(world.ports);
  expect(world.state(full)).toBe('gone');
  expect(world.problems()).toEqual([]);
});

test('a blocked drain moves nothing and says why', async () => {
  const world = new World();
  await putFile(world, 'f', 'x');
  expect(await startDrain(world.ports, [nodeId('a1')], [])).toMatchObject({
    kind: 'blocked',
    blocks: [{ kind: 'last-node-of-zone', node: 'a1' }],
  });
  expect((await previewDrain(world.ports, [nodeId('zz')])).blocks).toMatchObject([
    { kind: 'unknown-node' },
  ]);
  expect(world.started).toEqual([]);
});

test('what turns up between the request and its first step blocks the job', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  const other = full === 'a1' ? 'a2' : 'a1';
  world.store.write([{ op: 'update', key: keyOf(other), set: { state: 'dead' } }]);
  expect(await runJob(world, job)).toBe('blocked');
  expect(jobOf(world, job).reasons.join()).toMatch(/last|zone/);
  expect(jobOf(world, job).reasons.join()).toContain('to unblock: add room: `ballast scale out 1');
  expect(world.state(full)).toBe('active');
});

test('of two drains that exclude each other the first that was asked for goes', async () => {
  const { world, full } = await filled();
  const other = full === 'a1' ? 'a2' : 'a1';
  const first = await drained(world, full);
  expect(await startDrain(world.ports, [nodeId(other)], [])).toMatchObject({
    kind: 'blocked',
    blocks: [{ kind: 'last-node-of-zone' }],
    remedies: [{ kind: 'add-nodes', zone: 'a', nodes: 1 }],
  });
  expect(await runJob(world, first)).toBe('done');
});

test('two drains of one node: one takes it, the other says that it drains', async () => {
  const { world, full } = await filled();
  const [first, second] = [await drained(world, full), await drained(world, full)];
  await runJob(world, first, { until: 'plan' });
  expect(await runJob(world, second)).toBe('blocked');
  expect(world.record(full)).toMatchObject({ state: 'draining', job: first });
  expect(await runJob(world, first)).toBe('done');
});

test('a node that changes while it is cordoned is looked at again', async () => {
  const { world, full } = await filled();
  const [first, second] = [await drained(world, full), await drained(world, full)];
  world.beforeWrite = async () => {
    world.beforeWrite = () => {};
    await admit(world.ports, first);
  };
  await expect(admit(world.ports, second)).rejects.toThrow(TryLater);
  expect(await admit(world.ports, second)).toMatchObject({ verdict: 'blocked' });
});

test('clients are waited for, up to the limit, and then cut off', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'connections' });
  world.node(full).connections = 2;
  expect(await connections(world.ports, job)).toEqual({ verdict: 'busy', waitSeconds: 2 });
  expect(jobOf(world, job).phase).toBe('waiting for 2 client connections');
  world.node(full).isUp = false;
  expect(await connections(world.ports, job)).toMatchObject({ verdict: 'idle' });
  world.node(full).isUp = true;
  expect(world.node(full).connections).toBe(2);
  world.pass(world.ports.policy.connectionsLimitMs + 1);
  expect(await connections(world.ports, job)).toMatchObject({ verdict: 'idle' });
  expect(world.node(full).connections).toBe(0);
  expect(jobOf(world, job).phase).toBe('closed 2 of 2 client connections');
});

test('an undrain that races the proof tells which of them won', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'prove' });
  world.beforeWrite = async (ops) => {
    if (ops[0]?.key.sk !== `N#${full}`) return;
    world.beforeWrite = () => {};
    expect(await undrain(world.ports, nodeId(full))).toBe('undrained');
  };
  expect(await prove(world.ports, job)).toMatchObject({ verdict: 'held' });
  expect(world.state(full)).toBe('active');
  expect(jobOf(world, job).state).toBe('cancelled');
  expect(await prove(world.ports, job)).toMatchObject({ verdict: 'cancelled' });
});

test('an undrain that comes second says that the node is drained', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'prove' });
  world.beforeWrite = async () => {
    world.beforeWrite = () => {};
    await prove(world.ports, job);
  };
  expect(await undrain(world.ports, nodeId(full))).toBe('drained');
  expect(await undrain(world.ports, nodeId('b1'))).toBe('active');
  expect(await undrain(world.ports, nodeId('zz'))).toBe('unknown');
});

test("no proof without the node's own list, nor with a copy that is placed nowhere else", async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'prove' });
  world.node(full).isUp = false;
  expect(await prove(world.ports, job)).toMatchObject({ verdict: 'held' });
  expect(jobOf(world, job).phase).toContain('does not list its disk');
  world.node(full).isUp = true;
  const [chunk] = world.node(full).chunks;
  for (const holder of world.placement(chunk!)!.holders) {
    world.store.write([{ op: 'update', key: keyOf(holder), set: { state: 'dead' } }]);
  }
  expect(await prove(world.ports, job)).toMatchObject({ verdict: 'held' });
  expect(jobOf(world, job).phase).toContain('is placed nowhere else');
  expect(world.state(full)).toBe('draining');
});

const keyOf = (node: string) => ({ table: 'placement', pk: 'F', sk: `N#${node}` }) as const;

test('no proof while the inventory has a row on its last page', async () => {
  const { world, full } = await filled({ pageItems: 1 });
  const job = await drained(world, full);
  await runJob(world, job, { until: 'plan' });
  expect(await prove(world.ports, job)).toMatchObject({ verdict: 'held' });
  expect(jobOf(world, job).phase).toMatch(/still holds \d+ slots/);
});

test('a draining node that dies is repaired, and its drain ends', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'plan' });
  world.lose(full);
  await watch(world.ports);
  expect(world.state(full)).toBe('dead');
  const [repair] = world.started.filter(([workflow]) => workflow === 'repair');
  expect(await runJob(world, jobId(repair![1]))).toBe('done');
  expect(world.state(full)).toBe('gone');
  expect(await runJob(world, job)).toBe('done');
  expect(world.problems()).toEqual([]);
});

test('a drained node waits for its parking, and takes its outbox with it', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'terminate' });
  expect(await terminate(world.ports, job)).toEqual({ verdict: 'waiting', waitSeconds: 300 });
  expect(world.state(full)).toBe('drained');
  expect(world.store.all('placement', `O#${full}`).length).toBeGreaterThan(0);
  world.pass(world.ports.policy.parkingMs);
  await terminate(world.ports, job);
  expect(world.state(full)).toBe('terminating');
  world.shutDown();
  expect(await terminate(world.ports, job)).toMatchObject({ verdict: 'gone' });
  expect(world.store.all('placement', `O#${full}`)).toEqual([]);
  expect(world.store.get(guardKey(nodeId(full), 0))).toMatchObject({ state: 'gone' });
  expect(await terminate(world.ports, jobId('nobody'))).toMatchObject({ verdict: 'cancelled' });
});

test('a machine that takes long to end is looked at ever less often', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'terminate' });
  world.pass(world.ports.policy.parkingMs);
  const waits: number[] = [];
  for (let look = 0; look < 24; look++) {
    const { waitSeconds } = await terminate(world.ports, job);
    waits.push(waitSeconds);
    world.pass(waitSeconds * 1_000);
  }
  expect(waits.slice(0, 9)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2]);
  expect(waits.at(-1)).toBe(30);
  expect(waits.slice(0, 20).reduce((sum, wait) => sum + wait)).toBeGreaterThan(60);
});

test('a machine that EC2 has forgotten does not hold its node for ever', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'terminate' });
  world.pass(world.ports.policy.parkingMs);
  world.machines.splice(0);
  expect(await terminate(world.ports, job)).toMatchObject({ verdict: 'waiting' });
  expect(world.state(full)).toBe('terminating');
  world.pass(3 * 3_600_000);
  expect(await terminate(world.ports, job)).toMatchObject({ verdict: 'gone' });
});

test('a parked copy is deleted after its time, and not before, nor while its node drains', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'prove' });
  const copies = world.node(full).chunks.length;
  world.pass(world.ports.policy.parkingMs);
  await sweep(world.ports, [nodeId(full)]);
  expect(world.node(full).chunks).toHaveLength(copies);
  await cancelJob(world.ports, job);
  await runJob(world, job);
  await sweep(world.ports, [nodeId('b1')]);
  expect(world.node(full).chunks).toHaveLength(copies);
  await sweep(world.ports, [nodeId(full)]);
  expect(world.node(full).chunks).toEqual([]);
});

test('a job that is not there, or over, cancels every step and keeps its nodes', async () => {
  const { world } = await filled();
  const nobody = jobId('nobody');
  const run = [admit, connections, planJob, prove];
  for (const step of run) {
    expect(await step(world.ports, nobody)).toMatchObject({ verdict: 'cancelled' });
  }
  expect(await finish(world.ports, { job: nobody, outcome: 'done' })).toMatchObject({
    verdict: 'ended',
  });
  expect(await pace(world.ports, nobody)).toMatchObject({ verdict: 'cancelled' });
});

test('a failed execution leaves its error, what was not moved, and its node', async () => {
  const { world, full } = await filled();
  const job = await drained(world, full);
  await runJob(world, job, { until: 'plan' });
  await planJob(world.ports, job);
  await pace(world.ports, job);
  const message = take(world.messages);
  await finish(world.ports, { job, outcome: 'failed', error: { Error: 'Boom' } });
  expect(jobOf(world, job)).toMatchObject({
    state: 'failed',
    reasons: ['asked', '{"Error":"Boom"}'],
  });
  expect(jobOf(world, job).movesFailed).toBeGreaterThan(0);
  expect(world.state(full)).toBe('active');
  await migrate(world.ports, message, forever);
  expect(world.problems()).toEqual([]);
});

/** Three nodes a zone, and what each drain moved where. */
async function sideBySide() {
  const zones = ['a', 'b', 'c'];
  const nodes = Object.fromEntries(zones.flatMap((z) => [1, 2, 3].map((i) => [`${z}${i}`, z])));
  const { world } = await filled({ nodes });
  await putFiles(world, 60);
  const landed = new Map<string, string>();
  world.afterWrite = (ops) => {
    for (const op of ops) {
      if (op.op === 'update' && op.key.sk === 'C')
        landed.set(op.key.pk, [landed.get(op.key.pk), String(op.set?.holders)].join(' '));
    }
  };
  return { world, landed };
}

test('two drains side by side do not feed each other: each slot moves once', async () => {
  const { world, landed } = await sideBySide();
  const slots = world.node('a1').chunks.length + world.node('a2').chunks.length;
  const first = await drained(world, 'a1');
  await runJob(world, first, { until: 'pace' });
  const second = await drained(world, 'a2');
  await runJob(world, second, { until: 'pace' });
  for (let round = 0; round < 4; round++) {
    await pace(world.ports, round % 2 === 0 ? first : second);
    await work(world);
  }
  expect([await runJob(world, first), await runJob(world, second)]).toEqual(['done', 'done']);
  const moved = [first, second].map((job) => jobOf(world, job).movesDone);
  expect(moved[0]! + moved[1]!).toBe(slots);
  expect(landed.size).toBeGreaterThan(20);
  expect(world.problems()).toEqual([]);
});

test('a drain that is asked for, and not begun, is not fed by one that plans', async () => {
  const { world } = await sideBySide();
  const first = await drained(world, 'a1');
  await runJob(world, first, { until: 'plan' });
  const second = await drained(world, 'a2');
  const before = world.node('a2').chunks.length;
  expect(await runJob(world, first)).toBe('done');
  expect(world.state('a2')).toBe('active');
  expect(world.node('a2').chunks).toHaveLength(before);
  expect(await runJob(world, second)).toBe('done');
  expect(world.problems()).toEqual([]);
});

test('a node that dies in the middle of its moves: they turn into repairs, and the drain ends', async () => {
  const { world } = await sideBySide();
  const held = (name: string) => world.node(name).chunks.length;
  const [dying, other] = ['a1', 'a2', 'a3'].sort((l, r) => held(r) - held(l)) as [string, string];
  const job = await drained(world, dying, other);
  await runJob(world, job, { until: 'pace' });
  await pace(world.ports, job);
  let events = 0;
  const short = { remainingMs: () => (++events > 5 ? 0 : Number.POSITIVE_INFINITY) };
  for (const message of world.messages.splice(0)) {
    events = 0;
    await migrate(world.ports, message, short);
  }
  const left = world
    .node(dying)
    .chunks.filter((chunk) => world.placement(chunk)!.holders.includes(dying));
  expect(left.length).toBeGreaterThan(0);
  world.lose(dying);
  await watch(world.ports);
  expect(world.state(dying)).toBe('dead');
  const [, repair] = world.started.find(([workflow]) => workflow === 'repair')!;
  await work(world);
  expect(await runJob(world, jobId(repair))).toBe('done');
  expect(left.flatMap((chunk) => world.placement(chunk)!.holders)).not.toContain(dying);
  world.pass(world.ports.policy.flightLimitMs + 1);
  expect(await runJob(world, job)).toBe('done');
  expect([world.state(dying), world.state(other)]).toEqual(['gone', 'gone']);
  expect(world.problems()).toEqual([]);
  expect(await contentOf(world, 'f3')).toBe('content of 3');
});
