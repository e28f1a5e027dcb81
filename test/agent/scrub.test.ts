import { mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Background } from '../../lib/agent/background.ts';
import { chunkPath, scrubPath } from '../../lib/agent/paths.ts';
import { Scrubber } from '../../lib/agent/scrubber.ts';
import { Store } from '../../lib/agent/store.ts';
import { Traffic } from '../../lib/agent/traffic.ts';
import { DamagedCopy, type PullEvent } from '../../lib/contract/agent.ts';
import { ThrottleRecord } from '../../lib/contract/policy.ts';
import { type Arrival, pull, put, read, stats } from './agent-calls.ts';
import { all, arrivalOf, capability, randomArrival } from './arrivals.ts';
import { rawRequest } from './raw-request.ts';
import { atEnd, startedAgent, temporaryDirectory } from './started-agent.ts';

const atOnce = <T>(read: () => Promise<T>): Promise<T> => read();
const dayMs = 86_400_000;

/** A disk with its scrub, whose clock runs fast enough for a pass of seconds, or not by itself at all. */
async function disk(options: { readonly directory?: string; readonly speed?: number } = {}) {
  const directory = options.directory ?? (await temporaryDirectory());
  const { speed = 100 } = options;
  const times = { skewMs: 0 };
  const now = () => performance.now() * speed + times.skewMs;
  const wallClock = () => Date.now() + times.skewMs;
  const logged: string[] = [];
  const log = (event: string) => void logged.push(event);
  const store = await Store.open({ directory, capacityBytes: 1e9, now, log });
  const background = new Background(1e6, ThrottleRecord.parse({ throttle: 'none' }), now);
  const traffic = new Traffic(now);
  const scrubber = new Scrubber({ directory, store, background, traffic, log, now, wallClock });
  const stop = async () => {
    await scrubber.stop();
    await store.close();
  };
  atEnd(() => stop().catch(() => {}));
  const begin = () => {
    scrubber.start();
    scrubber.days = 14;
  };
  return { directory, store, traffic, scrubber, times, logged, begin, stop };
}
type Disk = Awaited<ReturnType<typeof disk>>;

async function keep({ store }: Pick<Disk, 'store'>, arrival: Arrival): Promise<Arrival> {
  const incoming = store.receive({ ...arrival, size: arrival.bytes.length });
  try {
    await incoming.write(arrival.bytes);
    await incoming.settle();
    await incoming.publish();
  } finally {
    await incoming.end();
  }
  return arrival;
}

/** So many copies of `size` bytes, in the order of their chunks. */
async function copiesOn(on: Pick<Disk, 'store'>, count: number, size = 2_000): Promise<Arrival[]> {
  const arrivals = Array.from({ length: count }, () => randomArrival(size));
  for (const arrival of arrivals) await keep(on, arrival);
  return arrivals.sort((left, right) => (left.chunk < right.chunk ? -1 : 1));
}

/** In place, as a disk does it: neither the size nor the name changes. */
async function flip(directory: string, chunk: string, at: number): Promise<void> {
  const file = await open(chunkPath(directory, chunk), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0]! ^= 0x10;
  await file.write(byte, 0, 1, at);
  await file.sync();
  await file.close();
}

const found = ({ scrubber }: Disk) =>
  scrubber.damaged('', 1_000).map(({ chunk, reason }) => [chunk, reason]);
const untilEnd = ({ scrubber }: Disk) =>
  expect.poll(() => scrubber.told.scrubShare, { timeout: 15_000, interval: 10 }).toBe(1);

describe('a pass', () => {
  test('finds a flipped bit wherever it is, and nothing else', async () => {
    const on = await disk();
    const copies = await copiesOn(on, 40);
    const long = await keep(on, randomArrival(600_000));
    await flip(on.directory, copies[3]!.chunk, 0);
    await flip(on.directory, copies[17]!.chunk, 1_000);
    await flip(on.directory, copies[39]!.chunk, 1_999);
    await flip(on.directory, long.chunk, 599_999);
    on.begin();
    await untilEnd(on);
    const damaged = [copies[3]!, copies[17]!, copies[39]!, long].map(({ chunk }) => chunk).sort();
    expect(found(on)).toEqual(damaged.map((chunk) => [chunk, 'checksum']));
    expect(on.scrubber.told).toMatchObject({ damaged: 4, scrubShare: 1 });
    expect(on.scrubber.damaged(damaged[0]!, 2).map(({ chunk }) => chunk)).toEqual(
      damaged.slice(1, 3),
    );
    expect(on.logged.filter((event) => event === 'copy-damaged')).toHaveLength(4);
  });

  test('calls damage what the disk does not give, or gives shorter', async () => {
    const on = await disk();
    const [a, b, c] = await copiesOn(on, 12);
    await rm(chunkPath(on.directory, a!.chunk));
    await mkdir(chunkPath(on.directory, a!.chunk)); // reading it is an error
    await rm(chunkPath(on.directory, b!.chunk));
    await truncate(chunkPath(on.directory, c!.chunk), 1_999);
    on.begin();
    await untilEnd(on);
    expect(found(on)).toEqual([
      [a!.chunk, 'unreadable'],
      [b!.chunk, 'unreadable'],
      [c!.chunk, 'checksum'],
    ]);
  });

  test('is made good within an hour where the disk erred for a while only', async () => {
    const on = await disk();
    const [a, b] = await copiesOn(on, 2);
    for (const { chunk } of [a!, b!]) await rm(chunkPath(on.directory, chunk));
    on.begin();
    await untilEnd(on);
    expect(on.scrubber.told.damaged).toBe(2);
    await writeFile(chunkPath(on.directory, b!.chunk), b!.bytes);
    on.times.skewMs = 3_600_000;
    on.scrubber.days = 15;
    await expect
      .poll(() => found(on), { interval: 10, timeout: 5_000 })
      .toEqual([[a!.chunk, 'unreadable']]);
    expect(on.logged.filter((event) => event === 'copy-damaged')).toHaveLength(2);
  });

  test('is not begun before it is due, nor where nobody wishes it', async () => {
    const on = await disk();
    const [first] = await copiesOn(on, 3);
    on.begin();
    await untilEnd(on);
    await flip(on.directory, first!.chunk, 7);
    on.times.skewMs = 13 * dayMs;
    on.scrubber.days = 0;
    on.scrubber.days = 14;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(on.scrubber.told).toMatchObject({ damaged: 0, scrubShare: 1 });
    on.times.skewMs = 14 * dayMs;
    on.scrubber.days = 0;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(on.scrubber.told.damaged).toBe(0);
    on.scrubber.days = 14;
    await expect.poll(() => on.scrubber.told.damaged, { timeout: 5_000 }).toBe(1);
  });

  test('waits while clients are served heavily', async () => {
    const on = await disk({ speed: 1 });
    const copies = await copiesOn(on, 3);
    await flip(on.directory, copies[0]!.chunk, 0);
    on.traffic.carried('foregroundOut', 20e6); // within ten seconds, where half of 1 MB/s is much
    on.begin();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(on.scrubber.told).toMatchObject({ damaged: 0, scrubShare: 0 });
    on.times.skewMs = 11_000;
    await untilEnd(on);
    expect(found(on)).toEqual([[copies[0]!.chunk, 'checksum']]);
  });
});

describe('what changes while it is read is no damage', () => {
  const onceRead = (change: () => Promise<unknown>) => {
    let changed = false;
    return async <T>(read: () => Promise<T>): Promise<T> => {
      if (!changed) {
        changed = true;
        await change();
      }
      return read();
    };
  };

  test('a copy that is deleted', async () => {
    const on = await disk();
    const { chunk } = await keep(on, randomArrival(5_000));
    const deleting = onceRead(() => on.store.remove(chunk, 1));
    expect(await on.store.damageOf(chunk, deleting)).toBeUndefined();
    expect(await on.store.damageOf(chunk, atOnce)).toBeUndefined();
  });

  test('a copy that another shard takes the place of, before its file is opened or after', async () => {
    const on = await disk();
    const first = await keep(on, randomArrival(5_000));
    const { chunk } = first;
    const next = (epoch: number) => randomArrival(5_000, { chunk, slot: epoch, epoch });
    const replacing = onceRead(() => keep(on, next(2)));
    expect(await on.store.damageOf(chunk, replacing)).toBeUndefined();
    await flip(on.directory, chunk, 4_000);
    expect(await on.store.damageOf(chunk, atOnce)).toMatchObject({ reason: 'checksum' });
    const mending = onceRead(() => keep(on, next(3)));
    expect(await on.store.damageOf(chunk, mending)).toBeUndefined();
  });

  test('is forgotten once the copy is gone, or another one came, though its bytes are the same', async () => {
    const on = await disk();
    const [a, b, c] = await copiesOn(on, 3);
    for (const { chunk } of [a!, b!, c!]) await flip(on.directory, chunk, 9);
    on.begin();
    await untilEnd(on);
    expect(on.scrubber.told.damaged).toBe(3);
    await keep(on, a!);
    await on.store.remove(b!.chunk, 1);
    expect(found(on)).toEqual([[c!.chunk, 'checksum']]);
    await keep(on, { ...c!, epoch: 2 });
    expect(on.scrubber.told.damaged).toBe(0);
  });
});

describe('a restart', () => {
  /** A disk whose process ended in the middle of a pass, with damage found and damage it had passed by. */
  async function halfRead() {
    const before = await disk({ speed: 0 });
    const copies = await copiesOn(before, 40);
    await flip(before.directory, copies[1]!.chunk, 0);
    before.begin();
    while (before.scrubber.told.scrubShare < 0.2) {
      before.times.skewMs += 16; // a copy's worth
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await before.stop();
    const { scrubShare } = before.scrubber.told;
    expect(scrubShare).toBeLessThan(0.9);
    await flip(before.directory, copies[0]!.chunk, 0);
    await flip(before.directory, copies[39]!.chunk, 0);
    return { directory: before.directory, copies, scrubShare };
  }

  test('goes on where the process was, and looks first at what was damaged', async () => {
    const { directory, copies, scrubShare } = await halfRead();
    const on = await disk({ directory });
    expect(on.scrubber.told.damaged).toBe(0);
    on.begin();
    await expect.poll(() => found(on), { interval: 1, timeout: 5_000 }).not.toEqual([]);
    expect(found(on)[0]).toEqual([copies[1]!.chunk, 'checksum']);
    expect(on.scrubber.told.scrubShare).toBeGreaterThanOrEqual(scrubShare);
    await untilEnd(on);
    expect(found(on).map(([chunk]) => chunk)).toEqual([copies[1]!.chunk, copies[39]!.chunk]);
    const { scrubbedAt } = on.scrubber.told;
    await on.stop();
    const again = await disk({ directory });
    again.begin();
    await expect.poll(() => again.scrubber.told.damaged, { interval: 5, timeout: 5_000 }).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(again.scrubber.told).toMatchObject({ scrubbedAt, scrubShare: 1 });
  });

  test.each([
    ['torn', async (path: string) => writeFile(path, (await readFile(path)).subarray(0, 20))],
    ['of another world', (path: string) => writeFile(path, '{"startedAt":-1}')],
    ['lost', (path: string) => rm(path)],
  ])('with a position that is %s begins the pass again', async (_what, spoil) => {
    const { directory, copies } = await halfRead();
    await spoil(scrubPath(directory));
    const on = await disk({ directory });
    on.begin();
    await untilEnd(on);
    const damaged = [copies[0]!, copies[1]!, copies[39]!];
    expect(found(on).map(([chunk]) => chunk)).toEqual(damaged.map(({ chunk }) => chunk));
  });
});

test('a damaged copy is told of, and no reader takes it: a byte is flipped anywhere in it', async () => {
  const agent = await startedAgent({ node: 'n1' });
  const peer = await startedAgent({ node: 'n2' });
  const arrivals = [0, 15_000, 29_999].map((at) => ({ at, arrival: randomArrival(30_000) }));
  const sound = arrivalOf(Buffer.from('sound'));
  for (const each of [...arrivals.map(({ arrival }) => arrival), sound]) await put(agent, each);
  for (const { at, arrival } of arrivals) await flip(agent.directory, arrival.chunk, at);
  for (const { arrival } of arrivals) {
    const bytes = Buffer.concat(await all(read(agent, arrival.chunk)));
    // What says so to a client is the checksum that it knows: lib/control/read.ts compares.
    expect(arrivalOf(bytes).sha256).not.toBe(arrival.sha256);
    const { chunk, slot, epoch, sha256 } = arrival;
    const reads = [capability('n1', 'read', chunk)];
    const wanted = { chunk, slot, epoch, sha256, size: bytes.length, reads };
    const sources = [{ node: 'n1', address: agent.address }];
    const events: PullEvent[] = await all(pull(peer, { sources, chunks: [wanted], rate: 10e9 }));
    expect(events.at(-1)).toMatchObject({ event: 'failed', reason: 'checksum' });
  }
  expect(await stats(peer)).toMatchObject({ chunks: 0 });

  agent.parts.scrubber.start();
  agent.parts.scrubber.days = 14;
  const damaged = async () => (await stats(agent)).damaged;
  await expect.poll(damaged, { timeout: 10_000 }).toBe(3);
  const get = (authorization: string, query = '') =>
    rawRequest(agent.port, {
      method: 'GET',
      path: `/damaged${query}`,
      headers: { 'x-ballast-protocol': '1', authorization },
    });
  const by = (op: 'inspect' | 'read') => `Bearer ${capability('n1', op)}`;
  const listed = (body: string) =>
    body
      .trim()
      .split('\n')
      .map((line) => DamagedCopy.parse(JSON.parse(line)).chunk);
  const chunks = arrivals.map(({ arrival }) => arrival.chunk).sort();
  expect(listed(String((await get(by('inspect'))).body))).toEqual(chunks);
  const page = await get(by('inspect'), `?after=${chunks[0]}&limit=1`);
  expect(listed(String(page.body))).toEqual([chunks[1]]);
  expect((await get(by('inspect'), '?after=x')).status).toBe(400);
  expect((await get(by('read'))).status).toBe(403);
  expect((await get('')).status).toBe(401);
});
