import { describe, expect, test } from 'vitest';
import { failureOf } from '../../lib/cli/failure.ts';
import { judgeHealth, zonesOf } from '../../lib/cli/look/health.ts';
import { type JobView, type Left, viewJob } from '../../lib/cli/look/job-view.ts';
import { dueWords, utcClock } from '../../lib/cli/look/job-words.ts';
import { jobFacts, jobTable } from '../../lib/cli/look/jobs.ts';
import type { NodeInView } from '../../lib/cli/look/node-view.ts';
import { nodeTable } from '../../lib/cli/look/nodes.ts';
import type { Status } from '../../lib/cli/look/overview.ts';
import { renderStatus } from '../../lib/cli/look/status.ts';
import { describe as describeReading, Meter } from '../../lib/cli/meter.ts';
import { duration } from '../../lib/cli/numbers.ts';
import { spreadOverZones } from '../../lib/cli/steer/spread-over-zones.ts';
import { bar, formatDuration, table } from '../../lib/cli/text.ts';
import type { Job } from '../../lib/control/jobs.ts';
import { NoRoom } from '../../lib/control/store.ts';
import { jobId, nodeId, zone } from '../../lib/core/ids.ts';

test('a table has columns as wide as their cells, numbers to the right', () => {
  const text = table(
    ['NODE', 'USED', 'FILL'],
    [
      ['n1', '1.00 KiB', '9.1%'],
      ['node-2', '12 B', '10.0%'],
    ],
  );
  expect(`\n${text}`).toBe(`
NODE        USED   FILL
n1      1.00 KiB   9.1%
node-2      12 B  10.0%`);
});

test.each([
  [0, '0:00'],
  [59_600, '1:00'],
  [61_000, '1:01'],
  [3_600_000, '1:00:00'],
  [-5, '0:00'],
])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

test.each([
  ['90', 90_000],
  ['90s', 90_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
])('%s is %d ms', (typed, ms) => expect(duration(typed)).toBe(ms));

test.each(['', '-1', '1.5', 'm', '5d', '1h30m'])('%j is no length of time', (typed) =>
  expect(() => duration(typed)).toThrow('length of time'),
);

test.each([
  [0, '[....]'],
  [0.5, '[##..]'],
  [1, '[####]'],
  [7, '[####]'],
])('a bar of %d', (share, text) => expect(bar(share, 4)).toBe(text));

describe('progress', () => {
  const reading = { doneBytes: 1024 ** 2, totalBytes: 3 * 1024 ** 2, note: 'moving' };
  test('tells bytes, rate, time left and what it does', () =>
    expect(describeReading(reading, 1024 ** 2)).toBe(
      '[########................] 1.00 MiB of 3.00 MiB  1.00 MiB/s  0:02 left  moving',
    ));
  test('tells no time while nothing moves', () =>
    expect(describeReading(reading, 0)).not.toContain('left'));

  const told = (isTerminal: boolean): string => {
    let text = '';
    let now = 0;
    const io = { err: (more: string) => (text += more), isTerminal, columns: 60, now: () => now };
    const meter = new Meter(io as never, 'job');
    for (; now <= 12_000; now += 500) meter.show({ ...reading, doneBytes: now });
    meter.end();
    return text;
  };
  test('is a line every five seconds away from a terminal', () =>
    expect(told(false).trimEnd().split('\n')).toHaveLength(2));
  test('is one line drawn over and over on a terminal, never wider than it', () => {
    const lines = told(true).split('\r\x1b[2K');
    expect(lines.length).toBeGreaterThan(20);
    expect(Math.max(...lines.map((line) => line.trimEnd().length))).toBeLessThan(60);
  });
});

test.each<[count: number, present: string, launch: Record<string, number>]>([
  [4, '', { a: 2, b: 1, c: 1 }],
  [1, 'aab', { c: 1 }],
  [3, 'aaa', { b: 2, c: 1 }],
  [0, 'abc', {}],
])('%d new nodes beside %j go to %j', (count, present, launch) =>
  expect(
    spreadOverZones(
      count,
      ['a', 'b', 'c'],
      [...present].map((zone) => ({ zone })),
    ),
  ).toEqual(launch),
);

const node = (over: Partial<NodeInView>): NodeInView => ({
  ...{
    node: 'n1',
    zone: 'a',
    class: 'mixed',
    state: 'active',
    epoch: 3,
    capacityBytes: 100,
    usedBytes: 50,
  },
  ...{ fill: 0.5, chunks: 1, connections: 0, p99Ms: null, diskSuspect: false },
  ...{ damaged: 0, scrubAgeMs: null, scrubShare: 0 },
  ...{ foregroundIn: 0, foregroundOut: 0, backgroundIn: 0, backgroundOut: 0 },
  ...{ heartbeatAgeMs: 1_000, instance: 'i', address: 'h:1', job: '' },
  leaving: null,
  ...over,
});

const job = (over: Partial<Job>): Job => ({
  ...{ id: jobId('J1'), kind: 'drain', state: 'running', nodes: ['n1'], launch: {}, generation: 1 },
  ...{ launchClass: 'mixed', damaged: [], launchType: '' },
  ...{
    attempt: 'A',
    phase: 'moving',
    reasons: [],
    movesPlanned: 10,
    movesDone: 0,
    bytesPlanned: 1_000,
  },
  ...{
    bytesMinimum: 1_000,
    bytesDone: 0,
    movesRetried: 0,
    movesFailed: 0,
    movesCancelled: 0,
    deadline: 0,
    priority: 5,
    paused: false,
    pausedAt: 0,
    mustLeave: false,
    estimateP50Ms: 0,
    estimateP90Ms: 0,
    moveBoundMs: 0,
    movingSince: 0,
    movedAt: 0,
    undo: false,
    movesRestored: 0,
    bytesRestored: 0,
    startedAt: 0,
    endedAt: 0,
  },
  lastOp: '',
  ...over,
});

describe('health', () => {
  const policy = { deadAfterMs: 60_000, fillHard: 0.95 };
  const judge = (nodes: readonly NodeInView[], jobs: readonly JobView[] = []) =>
    judgeHealth(nodes, zonesOf(nodes), jobs, policy);

  test.each<[what: string, node: Partial<NodeInView>, reason: RegExp]>([
    ['a dead node', { state: 'dead' }, /is dead/],
    ['a silent node', { heartbeatAgeMs: 31_000 }, /silent for 0:31/],
    ['a suspect disk', { diskSuspect: true }, /suspect disk/],
    ['a damaged slot', { damaged: 1 }, /n1 in zone a has 1 damaged slot on its disk/],
    ['a full zone', { usedBytes: 96, fill: 0.96 }, /Zone a is full/],
    ['a zone without an active node', { state: 'draining' }, /Zone a has no active node/],
  ])('%s degrades it', (_what, over, reason) => {
    const { state, reasons } = judge([node(over)]);
    expect([state, reasons.join()]).toEqual(['degraded', expect.stringMatching(reason)]);
  });

  test('a blocked job degrades it', () => {
    const view = viewJob(job({ phase: 'blocked', reasons: ['no room'] }), undefined, 1);
    expect(judge([node({})], [view]).reasons).toEqual(['Job J1 (drain) is blocked: no room.']);
  });
  test('work that gets on does not', () =>
    expect(judge([node({})], [viewJob(job({}), undefined, 1)]).state).toBe('ok'));
  test('a fleet without nodes is empty', () => expect(judge([]).state).toBe('empty'));
});

const left = (over: Partial<Left> = {}): Left => ({
  ...{ moves: 4, movesInFlight: 2, pace: { bytesLeft: 400, bytesPerSecond: 0 }, leaving: {} },
  ...{ isHeld: false, stillMs: 0, waitsFor: [] },
  ...over,
});

test('what is left of a running job comes from what waits and flies', () => {
  const view = viewJob(job({}), left(), 60_000);
  expect(view).toMatchObject({
    ...{ movesDone: 6, movesInFlight: 2, bytesDone: 600, bytesLeft: 400, bytesPerSecond: 10 },
    ...{ secondsLeft: 40, endedAt: null },
  });
});

describe('how fast, and until when', () => {
  const estimated = job({ estimateP50Ms: 50_000, estimateP90Ms: 75_000, movingSince: 20_000 });
  const pace = { bytesLeft: 400, bytesPerSecond: 20 };

  test('the rate is of what is in flight, else since the first move', () => {
    expect(viewJob(estimated, left({ pace }), 60_000)).toMatchObject({
      ...{ bytesPerSecond: 10, bytesPerSecondRecent: 20, secondsLeft: 20 },
    });
    expect(viewJob(estimated, left(), 60_000)).toMatchObject({
      ...{ bytesPerSecond: 10, bytesPerSecondRecent: 15, secondsLeft: 27 },
    });
  });

  test.each<[what: string, left: Left | undefined, now: number, p50: number, p90: number]>([
    ['before the first move it is as admitted', undefined, 0, 50, 75],
    ['while it moves at its own rate, as uncertain as it was', left({ pace }), 60_000, 20, 30],
  ])('%s', (_what, of, now, p50SecondsLeft, p90SecondsLeft) => {
    const view = viewJob(now === 0 ? { ...estimated, movingSince: 0 } : estimated, of, now);
    expect(view.estimate).toMatchObject({ p50SecondsLeft, p90SecondsLeft });
  });

  test.each<[what: string, job: Partial<Job>, left: Left]>([
    ['nothing was estimated', { estimateP50Ms: 0 }, left({ pace })],
    ['it is held', {}, left({ pace, isHeld: true })],
    ['it has ended', { state: 'done', endedAt: 60_000 }, left()],
  ])('nothing is foretold when %s', (_what, over, of) =>
    expect(viewJob({ ...estimated, ...over }, of, 60_000).estimate).toBeNull(),
  );

  test('in words', () => {
    const view = viewJob({ ...estimated, deadline: 3_600_000 }, left({ pace }), 60_000);
    expect(dueWords(view, utcClock)).toBe(
      'done by about 1970-01-01T00:01Z, nine times in ten by 1970-01-01T00:01Z; deadline 1970-01-01T01:00Z',
    );
    expect(dueWords(viewJob(job({}), left(), 1), utcClock)).toBe('');
  });
});

test('a job tells its state, its end and what it waits for, each on a line', () => {
  const of = { paused: true, priority: 9, deadline: 3_600_000 };
  const view = viewJob(job(of), left({ isHeld: true, waitsFor: ['the job is paused'] }), 60_000);
  const lines = jobFacts(view).split('\n');
  expect(lines.slice(1, 4)).toEqual([
    'state  running (paused), moving, priority 9',
    'due    deadline 1970-01-01T01:00Z',
    'waits  the job is paused',
  ]);
  const stuck = { ...view, stillMs: 41_000 };
  expect(jobFacts(stuck)).toContain(
    'stuck  STUCK: no byte was committed for 0:41; it waits for: the',
  );
  expect(jobTable([stuck])).toMatch(/BLOCKED_BY\nJ1 .* the job is paused\nJ1 STUCK: /);
});

test('nodes tell what is left on one that leaves, and only then', () => {
  const leaving = {
    bytesLeft: 2_048,
    bytesPerSecond: 1_024,
    secondsLeft: 2,
    blockedBy: ['a', 'b'],
  };
  expect(nodeTable([node({})])).not.toContain('BYTES_LEFT');
  const lines = nodeTable([node({ state: 'draining', leaving }), node({ node: 'n2' })]).split('\n');
  expect(lines[0]).toMatch(/BEAT +BYTES_LEFT +RATE +ETA +BLOCKED_BY$/);
  expect(lines[1]).toMatch(/2\.00 KiB +1\.00 KiB\/s +0:02 +a; b$/);
  expect(lines[2]).toMatch(/- +- +- +-$/);
});

test('status says aloud that a job is stuck, and on what', () => {
  const waitsFor = ['copies from n1 to n2: no sign of life for 0:41'];
  const text = renderStatus(statusOf([viewJob(job({}), left({ stillMs: 41_000, waitsFor }), 1)]));
  expect(text).toContain(
    '  STUCK: no byte was committed for 0:41; it waits for: copies from n1 to n2: no sign of life for 0:41',
  );
});

const statusOf = (jobs: readonly JobView[]): Status => {
  const nodes = [node({})];
  return {
    ...{ health: { state: 'ok', reasons: [] }, nodes: 1, nodesByState: { active: 1 } },
    ...{ capacityBytes: 100, usedBytes: 50, zones: zonesOf(nodes), connections: 2, p99Ms: 3.4 },
    rates: { clientsIn: 0, clientsOut: 2048, moves: 1 },
    jobs,
    scaling: {
      ...{ decision: 'hold', reasons: ['called by tick', 'there is no node to judge by'] },
      ...{ decidedAt: '2026-01-01T00:00:00.000Z', ageMs: 61_000, job: '' },
    },
  };
};

test('status fits a screen: health first', () => {
  const text = renderStatus(statusOf([viewJob(job({}), left(), 60_000)]));
  expect(`\n${text}\n`).toBe(`
health    OK
nodes     1 node: 1 active
capacity  [############............] 50 B of 100 B used (50.0%)
clients   in 0 B/s, out 2.00 KiB/s, 2 connections, p99 3 ms
moves     1 B/s
scaling   hold, 1:01 ago: called by tick; there is no node to judge by

ZONE  ACTIVE  NODES  USED  CAPACITY   FILL
a          1      1  50 B     100 B  50.0%  [########........]

drain of n1  [##############..........] 600 B of 1000 B  10 B/s  0:40 left  moving  J1
`);
});

const lastOfZone = { kind: 'last-node-of-zone', node: nodeId('n1'), zone: zone('a') } as const;

test.each<[what: string, error: unknown, exitCode: number, sentence: RegExp]>([
  [
    'no credentials',
    named('CredentialsProviderError', 'none found'),
    4,
    /credentials: none found\.$/,
  ],
  [
    'no room',
    new NoRoom([lastOfZone]),
    3,
    /^No room for a write: no active node would stay in zone a/,
  ],
  ['an unreachable store', refusedConnection(), 1, /^The store does not answer/],
  ['an interruption', named('AbortError', 'aborted'), 130, /^Interrupted\.$/],
  ['a bug', new TypeError('x is not a\nfunction'), 1, /^X is not a function\.$/],
  ['something thrown that is no error', 'oh', 1, /^Oh\.$/],
])('%s', (_what, error, exitCode, sentence) => {
  const failure = failureOf(error);
  expect(failure.exitCode).toBe(exitCode);
  expect(failure.sentence).toMatch(sentence);
});

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function refusedConnection(): Error {
  const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
  return new Error('outer', { cause: new AggregateError([refused]) });
}
