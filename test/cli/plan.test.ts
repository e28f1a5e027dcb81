import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { type PlanOptions, runPlan } from '../../lib/cli/plan.ts';
import { type SimulateOptions, type SimulationReport, simulate } from '../../lib/cli/simulate.ts';
import { UserError } from '../../lib/cli/user-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'ballast-plan-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function fileOf(lines: readonly (object | string)[]): string {
  const file = join(directory, `${files++}.ndjson`);
  const asText = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(file, `${asText.join('\n')}\n`);
  return file;
}

const node = (id: string) => ({
  node: id,
  zone: id[0],
  class: 'mixed',
  capacity: 1000,
  state: 'active',
});
const chunk = (id: string, ...holders: string[]) => ({
  chunk: id,
  size: 10,
  redundancy: { replicated: holders.length },
  holders,
});
const fleet = [
  { ballast: 1, zones: ['a', 'b'] },
  ...['a0', 'a1', 'b0'].map(node),
  ...Array.from({ length: 20 }, (_, at) => chunk(`c${at}`, 'a0', 'b0')),
];
const snapshot = fileOf(fleet);

async function run<Options, Code>(
  command: (
    options: Options,
    streams: { stdout: PassThrough; stderr: PassThrough },
  ) => Promise<Code>,
  options: Options,
) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const outcome = Promise.all([text(stdout), text(stderr)]);
  const code = await command(options, { stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, problem] = await outcome;
  return { code, out, problem };
}

const plan = (options: Omit<PlanOptions, 'snapshot'> & { snapshot?: string }) =>
  run(runPlan, { snapshot, ...options });
async function simulated(options: Omit<SimulateOptions, 'snapshot'>) {
  try {
    const { document, text: shown, exitCode } = await simulate({ snapshot, ...options });
    return { code: exitCode, report: document as SimulationReport, shown: shown() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: error.exitCode, problem: error.message };
  }
}

describe('ballast plan', () => {
  test('with heat: exchanges are reported beside the minimum', async () => {
    const warm = fileOf([
      ...fleet.slice(0, 4),
      { ...chunk('c0', 'a0'), heat: 60 },
      { ...chunk('c1', 'a0'), heat: 60 },
      chunk('c2', 'a1'),
      chunk('c3', 'a1'),
      chunk('c4', 'b0'),
      chunk('c5', 'b0'),
    ]);
    const { out, problem } = await plan({ snapshot: warm, rebalance: true, heat: true });
    expect(JSON.parse(out.split('\n')[0]!)).toMatchObject({
      movesTotal: 2,
      bytesMinimum: 0,
      bytesForHeat: 20,
      hottestBefore: 2,
      hottestAfter: 1,
    });
    expect(problem).toContain('20 B more for heat: the hottest node from 2.00 to 1.00 × its share');
  });

  test('a drain: a header, then a line a move', async () => {
    const { code, out, problem } = await plan({ drain: 'a0' });
    const [header, ...moves] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect([code, problem]).toEqual([
      0,
      '20 moves, 200 B (1.000 × the minimum), 0 B of it between zones, $0.00\n',
    ]);
    expect(header).toEqual({
      plan: 1,
      job: 'drain',
      movesTotal: 20,
      bytesTotal: 200,
      bytesMinimum: 200,
      bytesCrossZone: 0,
      dollarsCrossZone: 0,
      blocks: [],
    });
    expect(moves[0]).toEqual({ chunk: 'c0', slot: 0, from: 'a0', to: 'a1', bytes: 10 });
    expect(moves).toHaveLength(20);
  });

  test('a rebalance fills the empty node', async () => {
    const { out } = await plan({ rebalance: true });
    expect(JSON.parse(out.split('\n')[0]!)).toMatchObject({ job: 'rebalance', movesTotal: 10 });
  });

  test('added nodes are named in the header and filled', async () => {
    const taken = fileOf(
      [...fleet.slice(0, 1), node('new-b-001'), ...fleet.slice(1)].map((line) => ({
        ...line,
        ...('node' in line && line.node === 'new-b-001' ? { zone: 'a' } : {}),
      })),
    );
    const { code, out } = await plan({ snapshot: taken, add: 'b:1000:2, a:500' });
    const header = JSON.parse(out.split('\n')[0]!);
    expect(code).toBe(0);
    expect(header.job).toBe('scale-out');
    expect(header.added.map(({ id }: { id: string }) => id)).toEqual([
      'new-b-002',
      'new-b-003',
      'new-a-001',
    ]);
  });

  test('a drain that cannot succeed prints its blocks and exits 2', async () => {
    const { code, out, problem } = await plan({ drain: 'a0,a1' });
    expect(code).toBe(2);
    expect(JSON.parse(out).blocks).toHaveLength(2);
    expect(problem).toBe(
      'ballast: blocked: no active node would stay in zone a without a0 (and 1 more).\n',
    );
    expect((await plan({ drain: 'b0' })).problem).toBe(
      'ballast: blocked: no active node would stay in zone b without b0.\n',
    );
  });

  test.each<[problem: string, options: Parameters<typeof plan>[0], sentence: string]>([
    ['nothing to do', {}, '0 of --drain, --add and --rebalance were given, expected exactly one'],
    [
      'two things to do',
      { drain: 'a0', rebalance: true },
      '2 of --drain, --add and --rebalance were given, expected exactly one',
    ],
    ['no file', { snapshot: join(directory, 'none'), rebalance: true }, 'cannot read'],
    ['a directory', { snapshot: directory, rebalance: true }, 'cannot read'],
    [
      'a syntax error',
      { snapshot: fileOf([...fleet.slice(0, 2), '{"node']), rebalance: true },
      'line 3: not valid JSON',
    ],
    ['an unknown node', { drain: 'a0,x7' }, '--drain names x7, which the snapshot does not have'],
    ['an empty name', { drain: 'a0,' }, '--drain is "a0,", expected node ids with commas between'],
    ['an unknown zone', { add: 'z:1000' }, '--add names zone z, expected one of a, b'],
    [
      'an odd size',
      { add: 'a:8TB' },
      '--add has "a:8TB", expected ZONE:BYTES or ZONE:BYTES:COUNT with whole numbers',
    ],
    ['no bytes', { add: 'a:0' }, '--add has "a:0", expected'],
    [
      'heat for a drain',
      { drain: 'a0', heat: true },
      '--heat is given with --drain, expected with --rebalance or --add',
    ],
    ['no nodes', { add: 'a:10:0' }, '--add has "a:10:0", expected'],
  ])('%s: one sentence and exit code 2', async (_problem, options, sentence) => {
    const { code, out, problem } = await plan(options);
    expect([code, out]).toEqual([2, '']);
    expect(problem).toContain(sentence);
    expect(problem.match(/\n/g)).toHaveLength(1);
  });
});

describe('ballast simulate', () => {
  const scaleOut = async () => fileOf([(await plan({ add: 'a:1000' })).out.trimEnd()]);
  const head = {
    plan: 1,
    job: 'drain',
    movesTotal: 1,
    bytesTotal: 10,
    bytesMinimum: 10,
    blocks: [],
  };
  const move = { chunk: 'c0', slot: 0, from: 'a0', to: 'b0', bytes: 10 };

  test('makespan, bound and bytes by node', async () => {
    const { code, report } = await simulated({ plan: await scaleOut(), nodeRate: 10e6 });
    expect(code).toBe(0);
    expect(report).toMatchObject({ job: 'scale-out', bytesTotal: 130, violations: [], batches: 2 });
    expect(report!.makespanSeconds).toBeGreaterThanOrEqual(report!.makespanBoundSeconds);
    expect(report!.nodes.find(({ node: id }) => id === 'a0')).toMatchObject({
      bytesOut: 130,
      bytesIn: 0,
      fillBefore: 0.2,
      fillAfter: 0.07,
    });
  });

  test('who waits for what, and how far the budgets are used', async () => {
    const { report, shown } = await simulated({ plan: await scaleOut(), nodeRate: 10e6 });
    const [first] = report!.waits;
    expect(first).toMatchObject({ node: 'a0', direction: 'out', bytes: 130, busyShare: 1 });
    expect(first!.movesWaiting).toBeGreaterThan(0);
    expect(report!.peaks).toMatchObject({ fleetBatches: 1, nodeBatches: 1, nodeRateBytes: 10e6 });
    expect(shown).toMatch(/^plan {6}scale-out: 13 moves, 130 B, in 2 batches\ntime /);
    expect(shown).toMatch(/\na0 +out +130 B +13 +100\.0% /);
  });

  test('what goes between zones is priced', async () => {
    const file = fileOf([
      { ...head, bytesTotal: 50e9 },
      { ...move, bytes: 50e9 },
    ]);
    const { report } = await simulated({ plan: file });
    expect(report).toMatchObject({ bytesCrossZone: 50e9, cost: { dollarsCrossZone: 1 } });
    expect(report!.cost.dollars).toBeGreaterThan(1);
  });

  test.each([
    ['kept', 60_000, 0, 'deadline  everything is done within 1:00'],
    [
      'missed',
      0,
      1,
      'deadline  missed: after 0:00, 13 moves and 130 B are left; 1 source late, a0',
    ],
  ])('a deadline that is %s', async (_outcome, deadline, exitCode, line) => {
    const { code, shown } = await simulated({ plan: await scaleOut(), deadline });
    expect(code).toBe(exitCode);
    expect(shown).toContain(line);
  });

  test('a plan that breaks a promise fails', async () => {
    const { code, report, shown } = await simulated({ plan: fileOf([head, move]) });
    expect(code).toBe(1);
    expect(report!.violations.map(({ kind }) => kind)).toContain('two-slots-on-node');
    expect(shown).toMatch(/\nbroken {4}\d promises?: /);
  });

  test('an empty plan takes no time', async () => {
    const empty = { ...head, job: 'repair', movesTotal: 0, bytesTotal: 0, bytesMinimum: 0 };
    const { code, report, shown } = await simulated({ plan: fileOf([empty]) });
    expect([code, report!.makespanOverBound, report!.cost.dollars]).toEqual([0, 1, 0]);
    expect(shown).toContain('nothing waits');
  });

  test.each([
    [
      'a file that is no plan',
      { plan: snapshot },
      'line 1: plan (the format version) is missing, expected 1',
    ],
    ['no rate', { plan: snapshot, nodeRate: 0 }, 'nodeRateBytes is 0, expected a number from 1'],
  ])('%s: one sentence and exit code 2', async (_problem, options, sentence) => {
    const { code, problem } = await simulated(options);
    expect(code).toBe(2);
    expect(problem).toContain(sentence);
  });
});
