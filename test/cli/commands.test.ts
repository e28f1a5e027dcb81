import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileKey, nodeKey, nodePolicyKey } from '../../lib/contract/keys.ts';
import { tellEvents } from '../../lib/control/events.ts';
import { nodeView, stepNode } from '../../lib/control/fleet.ts';
import { endJob, readJob } from '../../lib/control/jobs.ts';
import { startRebalance } from '../../lib/control/start-job.ts';
import { jobId, nodeId } from '../../lib/core/ids.ts';
import { ballast } from '../support/command-line.ts';
import { type MemoryFleet, memoryFleet } from '../support/memory-fleet.ts';
import { scratch } from '../support/scratch.ts';

const sixNodes = { n1: 'a', n2: 'b', n3: 'c', n4: 'a', n5: 'b', n6: 'c' };

async function storeSome(fleet: MemoryFleet): Promise<string> {
  const directory = scratch({ 'a/one': '1', two: '22' });
  const { exitCode } = await ballast(['put', directory, 'd'], fleet);
  expect(exitCode).toBe(0);
  return directory;
}

/** The job that was started, ended as said the next time that somebody looks. */
async function endStarted(fleet: MemoryFleet, state: 'done' | 'blocked' | 'failed'): Promise<void> {
  const [, id] = fleet.started[0]!;
  const job = await readJob(fleet.ports.tables, jobId(id));
  await endJob(fleet.ports, job!, state);
}

describe('files', () => {
  test('go in, are listed, come out, verify and are removed', async () => {
    const fleet = memoryFleet();
    const directory = await storeSome(fleet);
    expect((await ballast(['ls'], fleet)).stdout).toMatch(/d\/a\/one\n.* d\/two\n$/);
    const out = join(scratch(), 'out');
    expect((await ballast(['get', 'd', out], fleet)).stdout).toBe('Fetched 2 files, 3 B.\n');
    expect(readFileSync(join(out, 'a/one'), 'utf8')).toBe('1');
    const verified = await ballast(['verify', '--prefix', 'd', '--source', directory], fleet);
    expect(verified.stdout).toBe('2 of 2 files verified, 3 B.\n');
    expect((await ballast(['rm', 'd'], fleet)).stderr).toMatch(/2 files lie below it, -r/);
    expect((await ballast(['rm', '-r', 'd'], fleet)).stdout).toBe('Removed 2 files.\n');
    expect((await ballast(['ls'], fleet)).stdout).toBe('No files.\n');
  });

  test('of a date that ISO 8601 has no name for are listed without one', async () => {
    const fleet = memoryFleet();
    await storeSome(fleet);
    const key = fileKey('d/two');
    fleet.store.write([{ op: 'update', key, set: { modifiedAt: 9e15 } }]);
    expect((await ballast(['ls', 'd/two'], fleet)).stdout).toMatch(/ - +d\/two\n$/);
  });

  test.each([
    ['a name of its own', 'copy', 'copy'],
    ['the directory that is there', '.', 'two'],
  ])('one file comes out under %s', async (_what, destination, name) => {
    const fleet = memoryFleet();
    await storeSome(fleet);
    const out = scratch();
    await ballast(['get', 'd/two', join(out, destination)], fleet);
    expect(readFileSync(join(out, name), 'utf8')).toBe('22');
  });

  test('go in as shards, and come out with any m nodes away', async () => {
    const fleet = memoryFleet(sixNodes);
    const directory = scratch({ one: '1', empty: '', large: 'x'.repeat(50_000) });
    const rule = ['--redundancy', 'erasure:4+2'];
    expect((await ballast(['put', directory, 'd', ...rule], fleet)).exitCode).toBe(0);
    expect([...fleet.disks.values()].map((disk) => disk.size)).toEqual([2, 2, 2, 2, 2, 2]);
    for (const lost of ['n2', 'n5']) fleet.down.add(lost);
    const verified = await ballast(['verify', '--source', directory, '--prefix', 'd'], fleet);
    expect([verified.stdout, verified.exitCode]).toEqual(['3 of 3 files verified, 48.8 KiB.\n', 0]);
    fleet.down.add('n1');
    expect((await ballast(['verify'], fleet)).exitCode).toBe(1);
  });

  test('verify --repair finds a copy that reads never missed, and repairs it', async () => {
    const fleet = memoryFleet(sixNodes);
    await storeSome(fleet);
    expect((await ballast(['verify', '--repair'], fleet)).stdout).toMatch(
      /\nNo copy or shard is dam/,
    );
    const [disk] = [...fleet.disks.values()].filter((each) => each.size > 0);
    const [chunk] = [...disk!.keys()];
    disk!.set(chunk!, Uint8Array.of(0));
    const ran = await ballast(['verify', '--repair'], fleet);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toMatch(/2 of 2 files verified.*\n1 slot damaged: ID\d+ repairs it\./);
    expect(fleet.started).toEqual([['repair', expect.any(String)]]);
  });

  test('the rule of the policy holds for what a put says nothing about', async () => {
    const fleet = memoryFleet(sixNodes);
    const set = ['redundancy=erasure:2+1', 'placement=hash'];
    const { stdout } = await ballast(['policy', 'set', ...set], fleet);
    expect(stdout).toMatch(/redundancy +erasure:2\+1 +set\n/);
    expect(stdout).toMatch(/placement +hash +set\n/);
    await storeSome(fleet);
    const { stdout: told } = await ballast(['explain', 'd/two'], fleet);
    expect(told).toMatch(/\(erasure:2\+1\) is on n\d .*, n\d .*, n\d /);
    const [, chunk] = /Chunk (\w{64})/.exec(told)!;
    const { stdout: more } = await ballast(['explain', chunk!], fleet);
    expect(more).toMatch(/Slots 0 to 1 are its data, .* 1 B each: any 2 are enough to read it\./);
  });

  test('verify exits 1 and names the file when bytes are lost', async () => {
    const fleet = memoryFleet();
    await storeSome(fleet);
    for (const disk of fleet.disks.values()) disk.clear();
    const ran = await ballast(['verify'], fleet);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(
      /^"d\/a\/one" cannot be read: .*\n"d\/two" .*\n0 of 2 files verified/,
    );
  });
});

test('a fleet on AWS is sent no events: AWS sends them', async () => {
  const ran = await ballast(['event', 'spot-interruption', 'n1'], memoryFleet());
  expect([ran.exitCode, ran.opened]).toEqual([2, 0]);
  expect(ran.stderr).toMatch(/Only the local cloud sends events: on AWS they come from AWS/);
});

test('events are shown with what they are about and whether they were told', async () => {
  const fleet = memoryFleet(sixNodes);
  expect((await ballast(['events'], fleet)).stdout).toBe('No events.\n');
  await ballast(['scale', 'out', '1'], fleet);
  await endStarted(fleet, 'done');
  const waits = (await ballast(['events'], fleet)).stdout;
  expect(waits).toMatch(/Job Ended +waits +job=\S+ kind=scale-out state=done/);
  await tellEvents(fleet.ports);
  expect((await ballast(['events'], fleet)).stdout).toMatch(/Job Ended +yes /);
  const interrupted = AbortSignal.timeout(1_500);
  const followed = await ballast(['events', '--follow'], { ports: fleet.ports, interrupted });
  expect(followed.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect((await ballast(['events', '--follow', '--json'], fleet)).exitCode).toBe(2);
});

describe('every command prints one JSON document and nothing else', () => {
  test.each<[string[]]>([
    [['status']],
    [['nodes']],
    [['jobs']],
    [['moves']],
    [['events']],
    [['ls']],
    [['verify']],
    [['capacity']],
    [['capacity', '--trend', '--hours', '24']],
    [['policy', 'get']],
    [['throttle']],
    [['throttle', 'set', 'fixed', '--rate', '5']],
    [['policy', 'export-history']],
    [['policy', 'set', 'fillHigh=0.85']],
    [['drain', 'n1', '--dry-run']],
    [['drain', 'n1']],
    [['scale', 'out', '2']],
    [['scale', 'in']],
    [['rebalance']],
    [['explain', 'n1']],
    [['explain', 'd/two']],
    [['rm', 'd/two']],
    [['down']],
  ])('%j', async (argv) => {
    const fleet = memoryFleet(sixNodes);
    await storeSome(fleet);
    const ran = await ballast([...argv, '--json'], fleet);
    expect(ran.exitCode).toBe(0);
    expect(JSON.parse(ran.stdout)).toBeTypeOf('object');
    expect(ran.stderr).not.toMatch(/ballast:/);
  });
});

describe('steering', () => {
  test('drain starts a job and tells its id', async () => {
    const fleet = memoryFleet(sixNodes);
    const ran = await ballast(['drain', 'n1', 'n2', '--json'], fleet);
    const { job } = JSON.parse(ran.stdout);
    expect(fleet.started).toEqual([['drain', job]]);
    expect(await readJob(fleet.ports.tables, job)).toMatchObject({ nodes: ['n1', 'n2'] });
  });

  test('a dry run moves nothing', async () => {
    const fleet = memoryFleet(sixNodes);
    await storeSome(fleet);
    const ran = await ballast(['drain', 'n1', 'n4', '--dry-run'], fleet);
    expect([ran.exitCode, fleet.started]).toEqual([2, []]);
    const one = await ballast(['drain', 'n1', '--dry-run'], fleet);
    expect(one.stdout).toMatch(
      /^Draining n1 would move \d+ slots?, .*; nothing was moved\. Its moves take \d+ s \(P50\) to \d+ s \(P90\)\.\n$/,
    );
  });

  test('a deadline is answered before anything starts: in time, or what would have to give', async () => {
    const fleet = memoryFleet(sixNodes);
    await storeSome(fleet);
    const late = await ballast(['drain', 'n1', '--deadline', '1s', '--json'], fleet);
    expect([late.exitCode, fleet.started]).toEqual([3, []]);
    const { error } = JSON.parse(late.stdout);
    expect(error.message).toMatch(/^Refused: the moves take .* To unblock: .*--deadline\.$/);
    expect(error.blocks).toMatchObject([{ kind: 'too-late', availableMs: 1_000 }]);
    expect(error.remedies).toMatchObject([{ kind: 'later-deadline' }]);
    const inTime = await ballast(['drain', 'n1', '--deadline', '2h30m', '--json'], fleet);
    const answer = JSON.parse(inTime.stdout);
    expect(answer.p50Ms).toBeLessThan(answer.p90Ms);
    expect(await readJob(fleet.ports.tables, answer.job)).toMatchObject({
      deadline: fleet.nowMs + 9_000_000,
    });
    expect(fleet.started).toHaveLength(1);
  });

  test.each<[typed: string, sentence: RegExp]>([
    ['soon', /It must be a time such as 2h30m/],
    ['2026-13-45', /It must be a time such as 2h30m/],
    ['2020-01-01T00:00Z', /The deadline 2020-01-01T00:00:00.000Z has passed/],
  ])('a deadline that is none: %s', async (typed, sentence) => {
    const ran = await ballast(['drain', 'n1', '--deadline', typed], memoryFleet(sixNodes));
    expect([ran.exitCode, ran.stderr]).toEqual([2, expect.stringMatching(sentence)]);
  });

  test.each<[state: 'done' | 'blocked' | 'failed', exitCode: number, text: RegExp]>([
    ['done', 0, /^Done: drain of n1, 0 B in /],
    ['blocked', 3, /^The drain of n1 ended blocked/],
    ['failed', 1, /^The drain of n1 ended failed/],
  ])('--wait ends as the job ends: %s', async (state, exitCode, text) => {
    const fleet = memoryFleet(sixNodes);
    const start = fleet.ports.workflows.start;
    fleet.ports.workflows.start = async (workflow, job) => {
      const answer = await start(workflow, job);
      await endStarted(fleet, state);
      return answer;
    };
    const ran = await ballast(['drain', 'n1', '--wait'], fleet);
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.stdout).toMatch(text);
  });

  test('--timeout ends the waiting, not the job: exit code 124 and the id', async () => {
    const fleet = memoryFleet(sixNodes);
    const ran = await ballast(['drain', 'n1', '--timeout', '0'], fleet);
    const [, id] = fleet.started[0]!;
    expect(ran.exitCode).toBe(124);
    expect(ran.stderr).toContain(`job ${id} goes on`);
    expect(await readJob(fleet.ports.tables, jobId(id))).toMatchObject({ state: 'running' });
  });

  test('Ctrl-C ends the waiting, not the job: exit code 130 and the id', async () => {
    const fleet = memoryFleet(sixNodes);
    const interrupted = AbortSignal.abort();
    const ran = await ballast(['drain', 'n1', '--wait'], { ...fleet, interrupted });
    const [, id] = fleet.started[0]!;
    expect(ran.exitCode).toBe(130);
    expect(ran.stderr).toContain(`job ${id} goes on`);
  });

  test('undrain cancels the drain that the node is part of', async () => {
    const fleet = memoryFleet(sixNodes);
    await ballast(['drain', 'n1'], fleet);
    const [, id] = fleet.started[0]!;
    const n1 = nodeView(fleet.store.get(nodeKey(nodeId('n1')))!);
    await stepNode(fleet.ports, n1, 'draining', id);
    const ran = await ballast(['undrain', 'n1'], fleet);
    expect(ran.stdout).toMatch(/n1 will take copies again/);
    expect(await readJob(fleet.ports.tables, jobId(id))).toMatchObject({ state: 'cancelled' });
  });

  test('cancel is told that a job has ended', async () => {
    const fleet = memoryFleet();
    await startRebalance(fleet.ports, []);
    const [, id] = fleet.started[0]!;
    expect((await ballast(['cancel', id], fleet)).exitCode).toBe(0);
    expect((await ballast(['cancel', id], fleet)).stderr).toMatch(/is cancelled already\.\n$/);
  });

  test('scale out fills the zones that have fewest nodes', async () => {
    const fleet = memoryFleet({ n1: 'a', n2: 'a', n3: 'b', n4: 'c' });
    await ballast(['scale', 'out', '3'], fleet);
    const [, id] = fleet.started[0]!;
    expect(await readJob(fleet.ports.tables, jobId(id))).toMatchObject({
      launch: { b: 1, c: 1, a: 1 },
    });
  });

  test('scale in keeps the least that the policy wants', async () => {
    const fleet = memoryFleet();
    const ran = await ballast(['scale', 'in'], fleet);
    expect([ran.exitCode, fleet.started]).toEqual([3, []]);
    expect(ran.stderr).toMatch(/3 active nodes and the policy wants 3 at least/);
  });

  test('a policy that was set is shown as such', async () => {
    const fleet = memoryFleet();
    await ballast(['policy', 'set', 'fillHigh=0.85', 'autoscaling=false'], fleet);
    const { stdout } = await ballast(['policy', 'get', '--json'], fleet);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: { fillHigh: 0.85, autoscaling: false, fillLow: 0.3 },
      set: expect.arrayContaining(['fillHigh', 'autoscaling']),
    });
  });
});

test('the throttle that is set is the policy, and what nodes read, in one write', async () => {
  const fleet = memoryFleet();
  const argv = ['throttle', 'set', 'latency', '--objective', '15', '--miss-share', '0.05'];
  const ran = await ballast(argv, fleet);
  expect(ran.stdout).toMatch(/^latency: 5.0% of clients' requests in 60 s may take over 15 ms/);
  const [told] = await fleet.ports.tables.get([nodePolicyKey]);
  expect(told).toMatchObject({ throttle: 'latency', latencyObjectiveMs: 15 });
  const { stdout } = await ballast(['policy', 'get', '--json'], fleet);
  expect(JSON.parse(stdout).policy).toMatchObject({ latencyMissShareMax: 0.05 });
  await ballast(['policy', 'set', 'throttle=none'], fleet);
  expect(await fleet.ports.tables.get([nodePolicyKey])).toMatchObject([{ throttle: 'none' }]);
});

test('explain says where a file is', async () => {
  const fleet = memoryFleet();
  await storeSome(fleet);
  const { stdout } = await ballast(['explain', 'd/two'], fleet);
  expect(stdout).toMatch(
    /^File d\/two has 2 B in 1 chunk, version 1\.\nSHA-256 \w{64}\.\nChunk \w+ \(replicated:3\) is on /,
  );
  for (const node of ['n1', 'n2', 'n3']) expect(stdout).toContain(node);
});
