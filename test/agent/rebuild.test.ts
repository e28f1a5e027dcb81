import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { PullEvent, PullRequest, RebuildRequest } from '../../lib/contract/agent.ts';
import { encodeShards } from '../../lib/core/erasure-code.ts';
import { pull, put, stats } from './agent-calls.ts';
import { capability, randomArrival, sha256Of } from './arrivals.ts';
import { type Started, startedAgent } from './started-agent.ts';

const code = { data: 4, parity: 2 };
const lost = 1;

/** Agents that hold the shards of one chunk, all but {@link lost}, and one that wants that. */
async function stripe(size: number) {
  const { chunk, bytes } = randomArrival(size);
  const shards = encodeShards(bytes, code);
  const slots = shards.map((_, slot) => slot).filter((slot) => slot !== lost);
  const holders = new Map<number, Started>();
  for (const slot of slots) {
    const holder = await startedAgent({ node: `n${slot}` });
    const shard = shards[slot]!;
    await put(holder, { chunk, slot, epoch: 1, sha256: sha256Of(shard), bytes: shard });
    holders.set(slot, holder);
  }
  const to = await startedAgent({ node: 'taker' });
  const sources = [...holders.values()].map(({ node, address }) => ({ node, address }));
  const offered = slots.map((slot, source) => ({
    ...{ slot, source, sha256: sha256Of(shards[slot]!) },
    read: capability(holders.get(slot)!.node, 'read', chunk),
  }));
  const wanted = {
    ...{ chunk, slot: lost, size: shards[lost]!.length, sha256: sha256Of(shards[lost]!), epoch: 2 },
    reads: sources.map(() => null),
  };
  const request = (
    when: RebuildRequest['when'],
    over: Partial<PullRequest['chunks'][number]> = {},
  ): PullRequest => ({
    sources,
    chunks: [{ ...wanted, rebuild: { ...code, when, shards: offered }, ...over }],
    rate: 10e9,
  });
  return { chunk, shards, holders, offered, to, request, wanted };
}

async function outcomesOf(to: Started, request: PullRequest): Promise<string[]> {
  const outcomes: string[] = [];
  for await (const event of pull(to, request)) outcomes.push(...outcomeOf(event));
  return outcomes;
}
const outcomeOf = (event: PullEvent): string[] =>
  event.event === 'progress' ? [] : [event.event === 'received' ? 'received' : event.reason];

const rot = ({ directory }: Started, chunk: string, bytes: number) =>
  writeFile(`${directory}/chunks/${chunk[0]}/${chunk}`, Buffer.alloc(bytes));

const mustHold = async (to: Started, chunk: string, shard: Uint8Array) => {
  const [held] = to.parts.store.held('', 2);
  expect(held).toMatchObject({ chunk, slot: lost, epoch: 2, sha256: sha256Of(shard) });
  const file = await to.parts.store.openCopy(chunk);
  expect(await file.readFile().finally(() => file.close())).toEqual(Buffer.from(shard));
  expect(await readdir(`${to.directory}/tmp`)).toEqual([]);
};

describe('a rebuilding pull', () => {
  test.each([0, 1, 7, 300_001, 3 * 2 ** 20])('of a chunk of %i bytes', async (size) => {
    const { chunk, shards, to, request } = await stripe(size);
    expect(await outcomesOf(to, request('first'))).toEqual(['received']);
    await mustHold(to, chunk, shards[lost]!);
  });

  test('notices a corrupt source, and takes another', async () => {
    const { chunk, shards, holders, to, request } = await stripe(500_000);
    await rot(holders.get(2)!, chunk, shards[2]!.length);
    expect(await outcomesOf(to, request('first'))).toEqual(['received']);
    await mustHold(to, chunk, shards[lost]!);
    const gave = [...holders.values()].map(
      async (holder) => (await stats(holder)).backgroundOut > 0,
    );
    expect(await Promise.all(gave)).toEqual([true, true, true, true, true]);
  });

  test('goes around one source that is gone or lacks its shard, not around two', async () => {
    const { chunk, holders, to, request } = await stripe(100_000);
    await holders.get(0)!.stop();
    expect(await outcomesOf(to, request('first'))).toEqual(['received']);
    await to.parts.store.remove(chunk, 2);
    await holders.get(4)!.parts.store.remove(chunk, 1);
    expect(await outcomesOf(to, request('first'))).toHaveLength(1);
    expect(to.parts.store.held('', 1)).toEqual([]);
    expect(await readdir(`${to.directory}/tmp`)).toEqual([]);
    expect(await stats(to)).toMatchObject({ usedBytes: 0 });
  });

  test('follows a copy that failed, and precedes one that was to be spared', async () => {
    const { chunk, shards, to, request, wanted } = await stripe(50_000);
    const giver = await startedAgent({ node: 'giver' });
    const shard = shards[lost]!;
    await put(giver, { chunk, slot: lost, epoch: 1, sha256: sha256Of(shard), bytes: shard });
    const withGiver = (when: RebuildRequest['when']): PullRequest => {
      const { sources, chunks, rate } = request(when, {
        reads: [...wanted.reads, capability('giver', 'read', chunk)],
      });
      return { sources: [...sources, { node: 'giver', address: giver.address }], chunks, rate };
    };
    expect(await outcomesOf(to, withGiver('first'))).toEqual(['received']);
    expect((await stats(giver)).backgroundOut).toBe(0);
    await to.parts.store.remove(chunk, 2);
    await rot(giver, chunk, shard.length);
    expect(await outcomesOf(to, withGiver('copy-failed'))).toEqual(['received']);
    await mustHold(to, chunk, shard);
  });

  test('does not overwrite another shard that came under the same epoch', async () => {
    const { chunk, shards, to, request } = await stripe(10_000);
    const other = shards[5]!;
    await put(to, { chunk, slot: 5, epoch: 2, sha256: sha256Of(other), bytes: other });
    expect(await outcomesOf(to, request('first'))).toEqual(['below-fence']);
    expect(to.parts.store.held('', 1)).toMatchObject([{ slot: 5, sha256: sha256Of(other) }]);
    expect(await outcomesOf(to, request('first', { epoch: 3 }))).toEqual(['received']);
  });

  test.each<[problem: string, change: (rebuild: RebuildRequest) => Partial<RebuildRequest>]>([
    ['no data shard', () => ({ data: 0 })],
    ['a field too small', () => ({ data: 200, parity: 56 })],
    ['half a shard', () => ({ data: 1.5 })],
    ['a slot outside the code', ({ shards }) => ({ shards: [{ ...shards[0]!, slot: 6 }] })],
    ['the slot itself', ({ shards }) => ({ shards: [{ ...shards[0]!, slot: lost }] })],
    ['one slot twice', ({ shards }) => ({ shards: [shards[0]!, shards[0]!] })],
    ['a source that is not named', ({ shards }) => ({ shards: [{ ...shards[0]!, source: 5 }] })],
  ])('is malformed with %s', async (_problem, change) => {
    const { to, request, offered } = await stripe(100);
    const rebuild: RebuildRequest = { ...code, when: 'first', shards: offered };
    const wrong = request('first', { rebuild: { ...rebuild, ...change(rebuild) } });
    await expect(outcomesOf(to, wrong)).rejects.toMatchObject({ kind: 'malformed' });
  });
});
