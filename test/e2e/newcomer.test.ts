import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { takeAccount } from '../../lib/cli/demo/account.ts';
import type { JobView } from '../../lib/cli/look/job-view.ts';
import { filesWithin } from '../../lib/client/list.ts';
import { listJobs } from '../../lib/control/jobs.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { begin, type Ended } from './command.ts';
import { ending } from './ending.ts';
import { LocalStore, until } from './local-store.ts';
import { familyOf, processesNaming, stillThere } from './processes.ts';
import { writeTree } from './tree.ts';

/** One clear sentence on one line, nothing else; no stack, no path of the program. */
function expectSentence({ code, stdout, stderr }: Ended, exitCode: number, sentence: RegExp): void {
  expect(stderr).toMatch(sentence);
  expect(stderr).toMatch(/^ballast( plan)?: [^\n]+[.)]\n$/);
  expect(stderr).not.toMatch(/\.ts:\d+|\bundefined\b|\[object/);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
}

const store = new LocalStore(inject('assembly'));
afterAll(async () => {
  expect(await store.remove()).toEqual([]);
});

describe('in an empty directory, with nothing running', () => {
  let taken: Server;

  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    writeFileSync(join(store.directory, 'file'), 'x');
    writeFileSync(
      join(store.directory, 'fleet.ndjson'),
      '{"ballast":1,"zones":["a"]}\n{"node":"n1","zone":"a","class":"mixed","capacity":9,"state":"active"}\n{"node":\n',
    );
    const secret = store.place('secret');
    writeFileSync(join(secret, 'inside'), 'x');
    chmodSync(store.directory, 0o755);
    chmodSync(secret, 0o000);
    writeFileSync(join(store.place('odd'), 'two\nlines'), 'x');
  });

  afterAll(() => void taken.close());

  test.each<[mistake: string, argv: string[], sentence: RegExp]>([
    ['put', ['put', 'file', '/'], /No local cloud runs on \.ballast: start one with `ballast up`/],
    ['a directory that is not there', ['put', 'none', '/'], /"none" is not there/],
    ['a file as a directory', ['put', 'file/x', '/'], /"file\/x" has a file where a directory is/],
    ['a file name with a newline', ['put', 'odd', '/'], /"two\\nlines" in .*contains a newline/],
    ['a missing argument', ['put', 'file'], /Missing required argument 'destination'/],
    ['an unknown option', ['up', '--node', '3'], /Unknown option '--node'/],
    ['an unknown command', ['start'], /Unknown command 'start'/],
    ['a snapshot with a syntax error', planOf('fleet.ndjson'), /fleet\.ndjson.*line 3/],
    ['a snapshot that is not there', planOf('none.ndjson'), /none\.ndjson/],
  ])('%s', async (_mistake, argv, sentence) => {
    expectSentence(await store.run(...argv), 2, sentence);
    expect(existsSync(join(store.directory, '.ballast'))).toBe(false);
  });

  test('a directory that may not be read', async () => {
    // The superuser may read anything: for them the command runs as nobody.
    const place = { cwd: store.directory, ...(process.getuid?.() === 0 && { uid: 65_534 }) };
    const { ended } = begin(['put', 'secret', '/'], place);
    expectSentence(await ended, 2, /"secret" may not be accessed \(permission denied\)/);
  });

  test('down', async () => {
    const { code, stdout, stderr } = await store.run('down');
    expect([code, stdout, stderr]).toEqual([0, 'No local cloud runs on .ballast.\n', '']);
  });

  test('a port that is in use', async () => {
    const { port } = taken.address() as AddressInfo;
    const argv = ['up', '--assembly', inject('assembly'), '--port', `${port}`];
    const { code, stdout, stderr } = await store.run(...argv);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `ballast: Port ${port} is in use by another process.`,
    );
    expect([code, stdout]).toEqual([2, '']);
    await expectNothingRuns(store);
  }, 30_000);

  test.each<[moment: string, isThere: (up: ChildProcess) => Promise<unknown>]>([
    ['as soon as it hears signals', (up) => once(up.stderr!, 'data')],
    [
      "once its cloud's process has begun",
      (up) => until('a child', 20, async () => familyOf(up.pid!).length > 1),
    ],
    [
      'once its cloud serves, before its nodes do',
      () => until('its address', 20, async () => existsSync(recordOf(store))),
    ],
  ])(
    'Ctrl-C to up, %s',
    async (_moment, isThere) => {
      const argv = ['up', '--nodes', '6', '--assembly', inject('assembly')];
      const { child, ended } = begin(argv, { cwd: store.directory, preload });
      await isThere(child);
      child.kill('SIGINT');
      const { code, stderr } = await ended;
      const lines = stderr.trimEnd().split('\n');
      expect([code, lines[0], lines.at(-1)]).toEqual([
        ...[130, 'It listens.', 'ballast: Interrupted.'],
      ]);
      await expectNothingRuns(store);
    },
    30_000,
  );
});

const preload = join(import.meta.dirname, 'says-when-it-listens.ts');

/** There while a local cloud runs. */
const recordOf = ({ directory }: LocalStore): string => join(directory, '.ballast/cloud.json');

const planOf = (file: string): string[] => ['plan', '--snapshot', file, '--rebalance'];

/** No process, and no lock: the next `up` would otherwise be refused. */
async function expectNothingRuns({ directory }: LocalStore): Promise<void> {
  await until('its processes to be gone', 5, async () => processesNaming(directory).length === 0);
  const home = join(directory, '.ballast');
  const names = existsSync(home) ? readdirSync(home) : [];
  expect(names.filter((name) => /next|\.\d+$/.test(name))).toEqual([]);
}

/** Enough that `put` can be interrupted in its middle. */
const smallFiles = 500;
/** Of the files below `large`: more than a node holds, so that two nodes of a zone are needed. */
const largeBytes = 9_000_000;

describe('after all that, on a running local cloud', () => {
  let ports: Ports;
  let zoneOf: ReadonlyMap<string, string>;

  beforeAll(async () => {
    await store.up('--nodes', '6');
    await store.json('policy', 'set', 'graceMs=1000', 'connectionsLimitMs=1000', 'parkingMs=2000');
    ports = store.ports();
    type Node = Readonly<Record<'node' | 'zone' | 'state', string>>;
    const { nodes } = await store.json<{ nodes: readonly Node[] }>('nodes');
    expect(nodes.map(({ state }) => state)).toEqual(Array(6).fill('active'));
    zoneOf = new Map(nodes.map(({ node, zone }) => [node, zone]));
    writeTree(store.place('small'), smallFiles, 2_000);
    writeTree(store.place('large'), 40, 480_000);
  }, 90_000);

  const node = (): string => [...zoneOf.keys()][0]!;
  const stored = async () => (await filesWithin(ports.tables, '')).length;

  test.each<[mistake: string, argv: () => string[], sentence: RegExp]>([
    ['a second up', () => ['up'], /A local cloud already runs on \.ballast \(process \d+/],
    ['an unknown node', () => ['drain', 'n-none'], /Refused: there is no node n-none/],
    [
      "a drain of a zone's last nodes",
      () => ['drain', ...[...zoneOf].filter(([, z]) => z === zoneOf.get(node())).map(([id]) => id)],
      /Refused: no active node would stay in zone us-east-1[abc] without n-/,
    ],
    ['get of what is not stored', () => ['get', 'nothing', 'x'], /Nothing is stored at "nothing"/],
    ['an unknown job', () => ['jobs', 'J0'], /There is no job J0/],
  ])('%s', async (_mistake, argv, sentence) => {
    expectSentence(await store.run(...argv()), 2, sentence);
    expect((await listJobs(ports.tables)).filter(({ kind }) => kind !== 'scale-out')).toEqual([]);
  });

  test('Ctrl-C during put keeps what is stored whole, and put again ends it', async () => {
    const { child, ended } = begin(['put', 'small', 'small'], { cwd: store.directory });
    await until('first files are stored', 20, async () => (await stored()) > 0);
    child.kill('SIGINT');
    const interrupted = await ended;
    expectSentence(interrupted, 130, /Interrupted/);
    const kept = await stored();
    expect([kept > 0, kept < smallFiles]).toEqual([true, true]);
    expect(await store.json('verify')).toMatchObject({ filesVerified: kept, problems: [] });
    expect(await takeAccount(ports)).toMatchObject({ underReplicated: 0, orphans: 0 });
    expect(await store.json('put', 'small', 'small')).toMatchObject({ filesStored: smallFiles });
    expect(await stored()).toBe(smallFiles);
  }, 60_000);

  test('a drain that leaves too little room', async () => {
    await store.json('put', 'large', 'large');
    await until('heartbeats to tell how full the nodes are', 20, async () => {
      const { nodes } = await store.json<{ nodes: { usedBytes: number }[] }>('nodes');
      return nodes.reduce((sum, { usedBytes }) => sum + usedBytes, 0) > 3 * largeBytes;
    });
    // Their figures differ where a heartbeat came between the two.
    await until('a dry run to be refused in the same words', 20, async () => {
      const refused = await store.run('drain', node());
      expectSentence(refused, 2, /^ballast: Refused: .*zone us-east-1. must take .* has room for /);
      return isDeepStrictEqual(await store.run('drain', node(), '--dry-run'), refused);
    });
    expect((await listJobs(ports.tables)).some(({ kind }) => kind === 'drain')).toBe(false);
    await store.json('rm', '-r', 'large');
  }, 60_000);

  test('Ctrl-C during drain --wait tells the job, which goes on to its end', async () => {
    const roomAgain = async () => (await store.run('drain', node(), '--dry-run')).code === 0;
    await until('the room of what was removed to be free', 30, roomAgain);
    const { child, ended } = begin(['drain', node(), '--wait'], { cwd: store.directory });
    const job = await until('the drain to run', 20, async () =>
      (await listJobs(ports.tables)).find(({ kind }) => kind === 'drain'),
    );
    child.kill('SIGINT');
    const sentence = new RegExp(`^ballast: Interrupted; job ${job.id} goes on: .*ballast jobs`);
    expectSentence(await ended, 130, sentence);
    await ending(ports, job.id, 40);
    expect(await store.json<JobView>('jobs', job.id)).toMatchObject({
      state: 'done',
      movesFailed: 0,
    });
    expectSentence(await store.run('drain', node()), 2, /Refused: /);
  }, 90_000);

  test('down twice', async () => {
    const family = familyOf(store.cloud.pid);
    const first = await store.run('down');
    expect(first).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/has stopped/),
    });
    expect(await stillThere(family, 0)).toEqual([]);
    const second = await store.run('down');
    expect(second).toEqual({ code: 0, stderr: '', stdout: 'No local cloud runs on .ballast.\n' });
    await expectNothingRuns(store);
  }, 40_000);
});
