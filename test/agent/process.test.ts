import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { MachineLoad } from '../../lib/agent/machine-load.ts';
import { chunkPath, scrubPath } from '../../lib/agent/paths.ts';
import { parseSettings } from '../../lib/agent/settings.ts';
import { Policy } from '../../lib/contract/policy.ts';
import { HeartbeatRecord } from '../../lib/contract/records.ts';
import { nodePolicyOp } from '../../lib/control/tell-nodes.ts';
import { put, stats } from './agent-calls.ts';
import { startProcess } from './agent-process.ts';
import { randomArrival } from './arrivals.ts';
import { fakeCloud } from './fake-cloud.ts';
import { atEnd, temporaryDirectory } from './started-agent.ts';

async function running(environment: Readonly<Record<string, string>> = {}, node = 'n1') {
  const cloud = await fakeCloud();
  atEnd(() => cloud.close());
  const directory = await temporaryDirectory();
  const agent = await startProcess({ cloud, node, directory, environment });
  atEnd(async () => agent.child.kill('SIGKILL'));
  return { cloud, agent, directory };
}

describe('the agent as a process', () => {
  test('tells the control plane how it is, and goes on when nobody listens', async () => {
    const { cloud, agent } = await running();
    await put(agent, randomArrival(1_234));
    await expect.poll(() => cloud.heartbeats.length).toBeGreaterThan(2);
    const plain = (item: Record<string, Record<string, unknown>>) =>
      Object.fromEntries(
        Object.entries(item).map(([name, value]) => [
          name,
          'N' in value ? Number(value.N) : 'NULL' in value ? null : Object.values(value)[0],
        ]),
      );
    const beats = cloud.heartbeats.map(({ Item }) => plain(Item as never));
    for (const beat of beats) expect(HeartbeatRecord.safeParse(beat).success).toBe(true);
    const [first, second] = beats as [Record<string, number>, Record<string, number>];
    expect(second.seq).toBeGreaterThan(first.seq!);
    expect(first).toMatchObject({ pk: 'N#n1', sk: 'H', node: 'n1', instance: 'i-n1', zone: 'z1a' });
    expect(first.expiresAt! - first.at! / 1_000).toBeCloseTo(3_600, -1);
    const usedBytes = () => plain((cloud.heartbeats.at(-1)?.Item ?? {}) as never).usedBytes;
    await expect.poll(usedBytes).toBe(1_234);
    await expect.poll(() => cloud.metrics()).toBeGreaterThan(2);

    cloud.answers = 'badly';
    await expect.poll(() => agent.output()).toContain('heartbeat-fails');
    await put(agent, randomArrival(10));
    const lines = agent
      .output()
      .split('\n')
      .filter((line) => line.includes('"heartbeat-fails"'));
    expect(lines).toHaveLength(1);
    cloud.answers = 'well';
    await expect.poll(() => agent.output()).toContain('heartbeat-works-again');
  });

  test('has the size that its launch asked for, by its tag', async () => {
    const { agent } = await running({}, 'n-sized');
    expect(await stats(agent)).toMatchObject({ capacityBytes: 5_000_000 });
  });
  test('throttles and scrubs as the control plane says, within five seconds, also after a restart', async () => {
    const { cloud, agent, directory } = await running({ BALLAST_BACKGROUND_RATE: '100000000' });
    const rotten = randomArrival(2_000);
    await put(agent, rotten);
    await writeFile(chunkPath(directory, rotten.chunk), Buffer.alloc(2_000), { flag: 'r+' });
    const says = (policy: Partial<Policy>) => {
      const whole = Policy.parse({ nodeCapacityBytes: 1, ...policy });
      cloud.throttle = { pk: 'P', sk: 'T', ...nodePolicyOp(whole).fields };
    };
    const untilSet = (throttle: string, of = agent) =>
      expect
        .poll(async () => (await stats(of)).throttle, { timeout: 5_000, interval: 100 })
        .toBe(throttle);
    const rate = () => expect.poll(async () => (await stats(agent)).backgroundRate);
    says({ throttle: 'fixed', throttleRateBytes: 7_000_000 });
    await untilSet('fixed');
    await rate().toBe(7_000_000);
    expect(await stats(agent)).toMatchObject({ backgroundFactor: 0.07, objectiveMs: null });
    says({ throttle: 'latency', latencyObjectiveMs: 33 });
    await untilSet('latency');
    await rate().toBe(100_000_000);
    expect(await stats(agent)).toMatchObject({
      objectiveMs: 33,
      throttleReason: 'no client asks for anything',
    });
    const { Item } = cloud.heartbeats.at(-1)!;
    expect(JSON.stringify(Item)).toContain('"throttle":{"S":"latency"}');
    expect(JSON.stringify(Item)).toContain('"damaged":{"N":"1"}');
    says({ throttle: 'none' });
    await untilSet('none');
    cloud.throttle = { pk: 'P', sk: 'T', throttle: 'backwards' };
    await expect.poll(() => agent.output(), { timeout: 5_000 }).toContain('told-policy-fails');
    await untilSet('none');
    says({ throttle: 'load' });
    await untilSet('load');
    const again = await startProcess({
      cloud,
      node: 'n1',
      directory: await temporaryDirectory(),
    });
    atEnd(async () => again.child.kill('SIGKILL'));
    await untilSet('load', again);
    const { scrubbedAt } = await stats(agent);
    agent.child.kill('SIGTERM');
    expect(await agent.ended).toBe(0);
    const position = JSON.parse(await readFile(scrubPath(directory), 'utf8'));
    expect(position).toMatchObject({ endedAt: scrubbedAt, suspects: [rotten.chunk] });
  }, 30_000);

  test('SIGTERM lets a running put end, then the process', async () => {
    const { agent } = await running();
    const puts = Array.from({ length: 8 }, () => put(agent, randomArrival(2 ** 20)));
    await expect
      .poll(async () => (await stats(agent)).connections, { timeout: 5_000 })
      .toBeGreaterThan(0);
    const from = performance.now();
    agent.child.kill('SIGTERM');
    const outcomes = await Promise.allSettled(puts);
    const odd = outcomes.flatMap((each) =>
      each.status === 'rejected' &&
      each.reason.kind !== 'stopping' &&
      each.reason.name !== 'AgentUnreachable'
        ? [each.reason]
        : [],
    );
    expect(odd).toEqual([]);
    expect(await agent.ended).toBe(0);
    expect(performance.now() - from).toBeLessThan(4_000);
    expect(agent.output()).toContain('"stopping"');
  });

  test('a wrong environment is one sentence and exit code 2', () => {
    const entry = new URL('../../bin/node-agent.ts', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, [entry], { env: { BALLAST_PORT: '1' } });
    expect(status).toBe(2);
    expect(stderr.toString()).toMatch(
      /^node-agent: the node agent needs BALLAST_FLEET, .* in its environment\n$/,
    );
  });
});

describe('settings', () => {
  const right = {
    BALLAST_FLEET: 'f',
    BALLAST_HEARTBEATS_TABLE: 't',
    BALLAST_BUNDLE: 'b',
    BALLAST_DATA_DIR: '/d',
    BALLAST_PORT: '7070',
    BALLAST_CAPACITY: 'auto',
    BALLAST_HEARTBEAT_SECONDS: '0.5',
    BALLAST_BACKGROUND_RATE: '1e8',
  };
  test.each([
    ['BALLAST_PORT', '0'],
    ['BALLAST_PORT', '65536'],
    ['BALLAST_PORT', '80.5'],
    ['BALLAST_PORT', 'x'],
    ['BALLAST_CAPACITY', '-1'],
    ['BALLAST_CAPACITY', 'much'],
    ['BALLAST_HEARTBEAT_SECONDS', '0'],
    ['BALLAST_BACKGROUND_RATE', 'fast'],
    ['BALLAST_DATA_DIR', ''],
  ])('%s = "%s" is named', (name, value) => {
    const wrong = { ...right, BALLAST_BACKGROUND_RATE: '100000000', [name]: value };
    expect(() => parseSettings(wrong)).toThrow(`${name} is "${value}" and must be`);
  });

  test('are parsed once, fractions of a second too', () => {
    expect(parseSettings({ ...right, BALLAST_BACKGROUND_RATE: '100000000' })).toMatchObject({
      capacity: 'auto',
      heartbeatMs: 500,
      port: 7070,
      backgroundRate: 1e8,
    });
  });
});

describe('the load of a machine', () => {
  test('is null where there is no /proc', async () => {
    const load = new MachineLoad('/nowhere');
    await load.sample();
    expect(await load.sample()).toEqual({ cpu: null, memory: null, ioWait: null });
  });

  test.skipIf(process.platform !== 'linux')('is told in shares of 1 on Linux', async () => {
    const load = new MachineLoad();
    await load.sample();
    const burning = performance.now() + 60;
    while (performance.now() < burning);
    const { cpu, memory, ioWait } = await load.sample();
    for (const share of [cpu, memory, ioWait]) expect(share).toBeGreaterThanOrEqual(0);
    expect(cpu! + ioWait!).toBeLessThanOrEqual(1);
    expect(memory).toBeLessThan(1);
  });
});
