import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { PullEvent, PullRequest } from '../../lib/contract/agent.ts';
import { type Arrival, pull, put, read, stats } from './agent-calls.ts';
import { arrivalOf, capability, randomArrival, sha256Of } from './arrivals.ts';
import { atEnd, type Started, startedAgent } from './started-agent.ts';

type Wanted = PullRequest['chunks'][number];

const wantedOf = (
  from: readonly Started[],
  arrival: Arrival,
  over: Partial<Wanted> = {},
): Wanted => {
  const { chunk, slot, epoch, sha256, bytes } = arrival;
  const reads = from.map(({ node }) => capability(node, 'read', chunk));
  return { chunk, slot, epoch, sha256, size: bytes.length, reads, ...over };
};
const requestOf = (
  from: readonly Started[],
  chunks: readonly Wanted[],
  rate = 10e9,
): PullRequest => ({
  sources: from.map(({ node, address }) => ({ node, address })),
  chunks: [...chunks],
  rate,
});
async function eventsOf(to: Started, request: PullRequest): Promise<PullEvent[]> {
  const events: PullEvent[] = [];
  for await (const event of pull(to, request)) events.push(event);
  return events;
}
async function bytesOf(from: Started, chunk: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of read(from, chunk)) parts.push(part);
  return Buffer.concat(parts);
}
const outcome = (events: readonly PullEvent[]) =>
  events.flatMap((event) =>
    event.event === 'received' ? ['received'] : event.event === 'failed' ? [event.reason] : [],
  );
const pair = async () =>
  [await startedAgent({ node: 'n1' }), await startedAgent({ node: 'n2' })] as const;

describe('a pull', () => {
  test('copies chunks of every size, each with its receipt', async () => {
    const [from, to] = await pair();
    const sizes = [0, 1, 4_095, 4_096, 65_537, 2 ** 20, 5 * 2 ** 20 + 3];
    const arrivals = sizes.map((size) => randomArrival(size, { slot: 2, epoch: 7 }));
    for (const arrival of arrivals) await put(from, arrival);
    const events = await eventsOf(
      to,
      requestOf(
        [from],
        arrivals.map((each) => wantedOf([from], each)),
      ),
    );
    expect(outcome(events)).toEqual(sizes.map(() => 'received'));
    for (const { chunk, bytes } of arrivals) expect(await bytesOf(to, chunk)).toEqual(bytes);
    const receipts = events.flatMap((event) => (event.event === 'received' ? [event.receipt] : []));
    const { incarnation } = await stats(to);
    for (const receipt of receipts)
      expect(receipt).toMatchObject({ slot: 2, epoch: 7, incarnation });
    expect(await readdir(`${to.directory}/tmp`)).toEqual([]);
  });

  test('goes to the next source when one lacks it, is gone, or gives wrong bytes', async () => {
    const [from, to] = await pair();
    const empty = await startedAgent({ node: 'n3' });
    const gone = await startedAgent({ node: 'n4' });
    await gone.stop();
    const rotten = await startedAgent({ node: 'n5' });
    const arrival = randomArrival(10_000);
    await put(from, arrival);
    await put(rotten, arrival);
    await writeFile(
      `${rotten.directory}/chunks/${arrival.chunk[0]}/${arrival.chunk}`,
      Buffer.alloc(10_000),
    );
    for (const bad of [empty, gone, rotten]) {
      const sources = [bad, from];
      const events = await eventsOf(to, requestOf(sources, [wantedOf(sources, arrival)]));
      expect(outcome(events)).toEqual(['received']);
      await to.parts.store.remove(arrival.chunk, 1);
    }
    const reasons = [];
    for (const bad of [empty, gone, rotten])
      reasons.push(...outcome(await eventsOf(to, requestOf([bad], [wantedOf([bad], arrival)]))));
    expect(reasons).toEqual(['source-lacks-it', 'source-unreachable', 'checksum']);
    expect(await stats(to)).toMatchObject({ chunks: 0, usedBytes: 0 });
    expect(await readdir(`${to.directory}/tmp`)).toEqual([]);
  });

  test('skips a source for which it has no capability', async () => {
    const [from, to] = await pair();
    const arrival = randomArrival(10);
    await put(from, arrival);
    const events = await eventsOf(
      to,
      requestOf([from], [wantedOf([from], arrival, { reads: [null] })]),
    );
    expect(outcome(events)).toEqual(['source-lacks-it']);
  });

  test('never follows a redirect', async () => {
    const [from, to] = await pair();
    const arrival = randomArrival(10);
    await put(from, arrival);
    let asked = 0;
    const lure = createServer((_request, response) => {
      asked += 1;
      response.writeHead(302, { location: `http://${from.address}/chunks/${arrival.chunk}` }).end();
    });
    await new Promise<void>((resolve) => lure.listen(0, '127.0.0.1', resolve));
    atEnd(() => new Promise((resolve) => lure.close(resolve).closeAllConnections() as never));
    const { port } = lure.address() as AddressInfo;
    const request = {
      ...requestOf([from], [wantedOf([from], arrival)]),
      sources: [{ node: 'n1', address: `127.0.0.1:${port}` }],
    };
    expect(outcome(await eventsOf(to, request))).toEqual(['source-unreachable']);
    expect(asked).toBe(1);
  });

  test('says why a chunk may not come: no room, below the fence', async () => {
    const from = await startedAgent({ node: 'n1' });
    const to = await startedAgent({ node: 'n2', capacityBytes: 100 });
    const large = randomArrival(200);
    const old = arrivalOf(Buffer.from('old'), { epoch: 5 });
    await put(from, large);
    await put(from, old);
    await put(to, { ...old, epoch: 9 });
    const events = await eventsOf(
      to,
      requestOf([from], [wantedOf([from], large), wantedOf([from], old)]),
    );
    expect(outcome(events).sort()).toEqual(['below-fence', 'full']);
  });

  test('whose caller leaves is abandoned without a trace', async () => {
    const [from, to] = await pair();
    const arrivals = Array.from({ length: 4 }, () => randomArrival(4 * 2 ** 20));
    for (const arrival of arrivals) await put(from, arrival);
    const wanted = arrivals.map((each) => wantedOf([from], each));
    for await (const event of pull(to, requestOf([from], wanted, 2e6)))
      if (event.event === 'progress') break;
    await expect.poll(() => readdir(`${to.directory}/tmp`)).toEqual([]);
    expect(await stats(to)).toMatchObject({ chunks: 0, usedBytes: 0 });
    await expect.poll(async () => (await stats(from)).connections).toBe(0);
    const room = to.parts.store.receive({ ...arrivals[0]!, size: 2 ** 30 });
    await room.end();
  });

  test('is told off in good order when the node stops', async () => {
    const [from, to] = await pair();
    const arrival = randomArrival(4 * 2 ** 20);
    await put(from, arrival);
    const events: PullEvent[] = [];
    for await (const event of pull(to, requestOf([from], [wantedOf([from], arrival)], 1e6))) {
      if (events.length === 0) void to.stop();
      events.push(event);
    }
    expect(outcome(events)).toEqual(['stopping']);
    await to.stop();
    expect(await readdir(`${to.directory}/tmp`)).toEqual([]);
  });

  test('at rate 0 is held: nothing moves until its caller leaves', async () => {
    const [from, to] = await pair();
    const arrival = randomArrival(1_000);
    await put(from, arrival);
    const asked = pull(to, requestOf([from], [wantedOf([from], arrival)], 0));
    const first = asked.next();
    await expect
      .poll(async () => (await stats(to)).chunks, { interval: 100, timeout: 600 })
      .toBe(0);
    expect((await stats(to)).backgroundIn).toBe(0);
    void first.catch(() => {});
    // The first line is a sign of life, with nothing done.
    expect(await first).toMatchObject({ value: { event: 'progress', bytes: 0 } });
    await asked.return(undefined);
  });

  test.each([
    ['its own rate', 15e6, 10e9],
    ["the node's rate", 10e9, 15e6],
  ])('keeps %s within a tenth, on 30 MB', async (_whose, pullRate, nodeRate) => {
    const from = await startedAgent({ node: 'n1' });
    const to = await startedAgent({ node: 'n2', backgroundRate: nodeRate });
    const arrivals = Array.from({ length: 30 }, () => randomArrival(1e6));
    for (const arrival of arrivals) await put(from, arrival);
    const started = performance.now();
    const wanted = arrivals.map((each) => wantedOf([from], each));
    const events = await eventsOf(to, requestOf([from], wanted, pullRate));
    const rate = 30e6 / ((performance.now() - started) / 1_000);
    expect(outcome(events)).toEqual(arrivals.map(() => 'received'));
    expect(rate).toBeGreaterThan(13.5e6);
    expect(rate).toBeLessThan(16.5e6);
    const progress = events.filter(({ event }) => event === 'progress');
    expect(progress.length).toBeLessThanOrEqual(10);
    expect(progress.length).toBeGreaterThan(3);
  });

  test("is counted as background at both ends, and hardly delays a client's reads", async () => {
    const from = await startedAgent({ node: 'n1', backgroundRate: 20e6 });
    const to = await startedAgent({ node: 'n2' });
    const arrivals = Array.from({ length: 20 }, () => randomArrival(2e6));
    const small = randomArrival(20_000);
    for (const arrival of [...arrivals, small]) await put(from, arrival);
    let state: 'pulling' | 'done' = 'pulling';
    const pulling = eventsOf(
      to,
      requestOf(
        [from],
        arrivals.map((each) => wantedOf([from], each)),
      ),
    );
    void pulling.then(() => {
      state = 'done';
    });
    const latencies: number[] = [];
    while (state === 'pulling') {
      const started = performance.now();
      await bytesOf(from, small.chunk);
      latencies.push(performance.now() - started);
    }
    expect(outcome(await pulling)).toEqual(arrivals.map(() => 'received'));
    const median = latencies.sort((a, b) => a - b)[latencies.length >> 1]!;
    // 20 KB behind a queue of 40 MB at 20 MB/s would take up to two seconds.
    expect(latencies.length).toBeGreaterThan(50);
    expect(median).toBeLessThan(50);
    const [sent, got] = [await stats(from), await stats(to)];
    expect(sent.backgroundOut).toBeGreaterThan(1e6);
    expect(got.backgroundIn).toBeGreaterThan(1e6);
    expect(sent.p99Ms).not.toBeNull();
    expect([got.p99Ms, got.foregroundIn]).toEqual([null, 0]);
  });

  test('reads back what the disk holds, not what came', async () => {
    const [from, to] = await pair();
    const arrival = randomArrival(300_000);
    await put(from, arrival);
    const { store } = to.parts;
    const receive = store.receive.bind(store);
    // The bytes change on their way to the platter, after they were written and synced.
    store.receive = (wanted) => {
      const incoming = receive(wanted);
      const settle = incoming.settle.bind(incoming);
      incoming.settle = async () => {
        await settle();
        const [name] = await readdir(`${to.directory}/tmp`);
        const bytes = await readFile(`${to.directory}/tmp/${name}`);
        bytes[150_000]! ^= 1;
        await writeFile(`${to.directory}/tmp/${name}`, bytes);
      };
      return incoming;
    };
    const events = await eventsOf(to, requestOf([from], [wantedOf([from], arrival)]));
    expect(outcome(events)).toEqual(['checksum']);
    expect(to.parts.store.held('', 1)).toEqual([]);
    expect(sha256Of(await bytesOf(from, arrival.chunk))).toBe(arrival.sha256);
  });
});
