import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ballast, type Ran } from '../support/command-line.ts';
import { memoryFleet } from '../support/memory-fleet.ts';
import { scratch } from '../support/scratch.ts';

/** One sentence, on one line, and no stack. */
function expectOneSentence({ stdout, stderr }: Ran, sentence: RegExp): void {
  expect(stderr).toMatch(sentence);
  expect(stderr).toMatch(/^ballast: [^\n]+[.)]\n$/);
  expect(stderr).not.toMatch(/ at .*:\d+/);
  expect(stdout).toBe('');
}

describe('a command line that cannot be gets one sentence and exit code 2', () => {
  test.each<[what: string, argv: string[], sentence: RegExp]>([
    ['unknown option', ['status', '--frobnicate'], /Unknown option '--frobnicate'/],
    ['unknown option, near a known one', ['drain', 'n1', '--dryrun'], /Did you mean --dry-run/],
    ['unknown command', ['drian', 'n1'], /Unknown command 'drian'.*drain/],
    ['unknown command below a command', ['scale', 'up'], /Unknown command 'up'/],
    ['missing argument', ['put', 'x'], /Missing required argument 'destination'/],
    ['too many arguments', ['nodes', 'x'], /Too many arguments/],
    ['count that is none', ['scale', 'out', 'many'], /whole number from 1/],
    ['count of nothing', ['scale', 'out', '0'], /whole number from 1/],
    ['time that is none', ['drain', 'n1', '--timeout', 'soon'], /length of time/],
    ['event of no kind', ['event', 'storm', 'n1'], /Unknown command 'storm'/],
    ['event without a local cloud', ['event', 'zone-impaired', 'a'], /Only the local cloud sends/],
    ['retirement without a date', ['event', 'retirement', 'n1'], /--at <time>/],
    [
      'date that is none',
      ['event', 'retirement', 'n1', '--at', 'soon'],
      /It must be a time such as/,
    ],
    [
      'state that is none',
      ['event', 'instance-state', 'n1', 'odd'],
      /Allowed choices are stopping/,
    ],
    ['port out of range', ['up', '--port', '70000'], /whole number from 1 to 65535/],
    ['endpoint that is no URL', ['status', '--endpoint-url', 'here'], /is no URL/],
    ['no local cloud', ['status'], /No local cloud runs on/],
    ['source that is not there', ['put', '/not/there', 'x'], /"\/not\/there" is not there/],
    [
      'rule that is none',
      ['put', '.', 'x', '--redundancy', 'raid5'],
      /replicated:3 or erasure:4\+2/,
    ],
    ['no copy', ['put', '.', 'x', '--redundancy', 'replicated:0'], /It keeps no copy/],
    ['no data shard', ['put', '.', 'x', '--redundancy', 'erasure:0+2'], /It has no data shard/],
    ['no parity', ['put', '.', 'x', '--redundancy', 'erasure:4+0'], /It has no parity shard/],
    ['too many shards', ['put', '.', 'x', '--redundancy', 'erasure:200+56'], /256 shards.*most 49/],
    ['half a shard', ['put', '.', 'x', '--redundancy', 'erasure:4.5+2'], /erasure:4\+2/],
    ['class that is none', ['scale', 'out', '1', '--class', 'gold'], /data, metadata, mixed/],
    ['destination that climbs', ['put', '.', '../x'], /"\.\." as one of its names/],
    ['hours that are none', ['capacity', '--trend', '--hours', '1'], /whole number from 3 to 1488/],
    ['history that is not there', ['policy', 'replay', '--history', '/no'], /cannot read \/no/],
    [
      'month of an unknown shape',
      ['policy', 'replay', '--generate', 'month', '--shape', 'odd'],
      /Allowed choices are growing/,
    ],
    [
      'load that is not to be had',
      ['policy', 'replay', '--generate', 'year'],
      /Allowed choices are month/,
    ],
    [
      'history and a month',
      ['policy', 'replay', '--generate', 'month', '--history', 'x'],
      /Both --history and --generate/,
    ],
    [
      'policy file that is not there',
      ['policy', 'replay', '--generate', 'month', '--policy', '/no'],
      /\/no cannot be read/,
    ],
    ['snapshot that is not there', ['plan', '--snapshot', '/no', '--rebalance'], /cannot read/],
  ])('%s', async (_what, argv, sentence) => {
    const ran = await ballast(argv);
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toMatch(sentence);
    expect(ran.stderr.trimEnd()).not.toContain('\n');
    expect([ran.stdout, ran.opened]).toEqual(['', 0]);
  });

  test.each<[what: string, make: (directory: string) => void, sentence: RegExp]>([
    ['a newline in a name', (d) => writeFileSync(join(d, 'a\nb'), ''), /contains a newline/],
    ['a named pipe', (d) => execFileSync('mkfifo', [join(d, 'pipe')]), /is a named pipe/],
  ])('a source with %s, before anything is stored', async (_what, make, sentence) => {
    const { ports, store } = memoryFleet();
    const directory = scratch({ fine: '1' });
    make(directory);
    const ran = await ballast(['put', directory, 'x'], { ports });
    expectOneSentence(ran, sentence);
    expect([ran.exitCode, ran.opened, [...store.items('files')]]).toEqual([2, 0, []]);
  });

  test.each<[what: string, argv: string[], sentence: RegExp]>([
    ['an unknown node', ['drain', 'n9'], /there is no node n9/],
    ['an unknown node, dry', ['drain', 'n9', '--dry-run'], /there is no node n9/],
    ["a zone's last node", ['drain', 'n1'], /no active node would stay in zone a/],
    ['undrain of an active node', ['undrain', 'n1'], /n1 is active, not draining/],
    ['undrain of an unknown node', ['undrain', 'n9'], /no node n9/],
    ['cancel of an unknown job', ['cancel', 'J9'], /no job J9/],
    ['jobs of an unknown job', ['jobs', 'J9'], /no job J9/],
    ['explain of nothing known', ['explain', 'nothing'], /no node, job, chunk or file "nothing"/],
    ['an unknown zone', ['scale', 'out', '1', '--zone', 'z'], /no zone z: the fleet has a, b, c/],
    ['get of nothing', ['get', 'nothing', 'x'], /Nothing is stored at "nothing"/],
    ['rm of nothing', ['rm', 'nothing'], /no file "nothing"/],
    ['an unknown policy', ['policy', 'set', 'speed=1'], /The policy has no speed/],
    ['a policy without a value', ['policy', 'set', 'fillHigh'], /write NAME=VALUE/],
    ['a throttle that is none', ['throttle', 'set', 'hope'], /load, latency, fixed, none/],
    ['a policy that is no number', ['policy', 'set', 'fillHigh=much'], /fillHigh="much"/],
    ['a policy out of range', ['policy', 'set', 'fillHigh=7'], /fillHigh=7/],
    [
      'a rule that is none',
      ['policy', 'set', 'redundancy=many'],
      /like replicated:3 or erasure:4\+2/,
    ],
    ['a rule of no data', ['policy', 'set', 'redundancy=erasure:0+1'], /has no data shard/],
    ['an unknown placement', ['policy', 'set', 'placement=random'], /placement="random"/],
    ['a policy of nothing', ['policy', 'set'], /Nothing to set: write NAME=VALUE, or name a file/],
    [
      'a policy file that is not there',
      ['policy', 'set', '--file', '/no'],
      /\/no cannot be read \(ENOENT\)/,
    ],
    [
      'a spare mark above the high one',
      ['policy', 'set', 'fillSpare=0.9'],
      /fillSpare 0.9 < fillHigh/,
    ],
    [
      'node types without a price',
      ['policy', 'set', 'nodeTypes=[{"type":"x","capacityBytes":1}]'],
      /nodeTypes\.0\.dollarsPerHour=/,
    ],
    [
      'a node type twice',
      [
        'policy',
        'set',
        'nodeTypes=[{"type":"x","capacityBytes":1,"dollarsPerHour":1},{"type":"x","capacityBytes":2,"dollarsPerHour":1}]',
      ],
      /nodeTypes has x twice/,
    ],
    [
      'a replay of no history',
      ['policy', 'replay'],
      /too little in the recorded history to replay: 0 records/,
    ],
    ['marks out of order', ['policy', 'set', 'fillHigh=0.2'], /fillLow 0.3 < fillTarget/],
  ])('%s', async (_what, argv, sentence) => {
    const { ports, started } = memoryFleet();
    const ran = await ballast(argv, { ports });
    expectOneSentence(ran, sentence);
    expect([ran.exitCode, started]).toEqual([2, []]);
  });
});

test('more shards than nodes, before anything is stored', async () => {
  const { ports, store } = memoryFleet();
  const directory = scratch({ file: 'x' });
  const ran = await ballast(['put', directory, 'x', '--redundancy', 'erasure:4+2'], { ports });
  expectOneSentence(ran, /erasure:4\+2 needs 6 nodes that take data: the fleet has 3/);
  expect([ran.exitCode, [...store.items('files')]]).toEqual([2, []]);
});

test('settings that lack something are named', async () => {
  const file = join(scratch({ 'settings.json': '{"BALLAST_FLEET":"f"}' }), 'settings.json');
  const ran = await ballast(['nodes', '--settings', file]);
  expectOneSentence(ran, /lacks or has wrong: BALLAST_TABLE, BALLAST_FILES_TABLE/);
  expect(ran.exitCode).toBe(2);
});

test('nothing is left behind in a home that never was', async () => {
  const home = join(scratch(), 'home');
  await ballast(['status', '--home', home]);
  expect(existsSync(home)).toBe(false);
});

test('down with nothing running is quiet', async () => {
  const ran = await ballast(['down']);
  expect([ran.exitCode, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toMatch(/^No local cloud runs on /);
});

test('a mistake with --json is one document too', async () => {
  const ran = await ballast(['drain', 'n9', '--json'], { ports: memoryFleet().ports });
  expect(JSON.parse(ran.stdout)).toEqual({
    error: {
      message: 'Refused: there is no node n9.',
      exitCode: 2,
      remedies: [],
      blocks: [{ kind: 'unknown-node', node: 'n9' }],
    },
  });
});

test('an endless watch cannot be one document', async () => {
  const ran = await ballast(['moves', '--watch', '--json'], { ports: memoryFleet().ports });
  expect([ran.exitCode, JSON.parse(ran.stdout).error.exitCode]).toEqual([2, 2]);
  expect(ran.stderr).toMatch(/choose one/);
});
