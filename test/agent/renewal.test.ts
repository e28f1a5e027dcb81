import { readFile, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { AgentNodes } from '../../lib/aws/nodes.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { type Arrival, inventory, put, read, remove } from './agent-calls.ts';
import { all, fleetKey, randomArrival } from './arrivals.ts';
import { type Started, startedAgent } from './started-agent.ts';

const nodes = new AgentNodes(async () => fleetKey);
const at = ({ node, address }: Started) => ({ node: nodeId(node), address });
const fileOf = ({ directory }: Started, { chunk }: Arrival) =>
  `${directory}/chunks/${chunk[0]}/${chunk}`;
const renew = async (agent: Started, { chunk, slot, sha256 }: Arrival, epoch: number) => {
  const [answer] = await nodes.renew(at(agent), [{ chunk: chunkId(chunk), slot, sha256, epoch }]);
  return answer;
};

test('a renewed copy is where it was, and a delete of the version before is refused', async () => {
  const agent = await startedAgent();
  const copy = randomArrival(100_000, { epoch: 3 });
  await put(agent, copy);
  const { chunk, slot, sha256 } = copy;
  const receipt = { chunk, slot, sha256, size: 100_000, epoch: 8 };
  expect(await renew(agent, copy, 8)).toMatchObject({ outcome: 'renewed', receipt });
  expect(await renew(agent, copy, 8)).toMatchObject({ outcome: 'renewed', receipt });
  await expect(remove(agent, chunk, 7)).rejects.toMatchObject({ kind: 'below-fence' });
  expect(await all(inventory(agent))).toMatchObject([{ chunk, epoch: 8, slot }]);
  expect(Buffer.concat(await all(read(agent, chunk))).equals(copy.bytes)).toBe(true);
  expect(await remove(agent, chunk, 8)).toMatchObject({ outcome: 'unlink' });
});

test('the raised fence and the copy outlive the process', async () => {
  const agent = await startedAgent();
  const copy = randomArrival(1_000);
  await put(agent, copy);
  await renew(agent, copy, 5);
  await agent.stop();
  const again = await startedAgent({ directory: agent.directory });
  await expect(remove(again, copy.chunk, 4)).rejects.toMatchObject({ kind: 'below-fence' });
  expect(await all(inventory(again))).toMatchObject([{ chunk: copy.chunk, epoch: 5 }]);
});

test('what cannot be named again is refused, each by itself, and its fence stays', async () => {
  const agent = await startedAgent();
  const [gone, rotten, newer, lost, sound] = Array.from({ length: 5 }, () => randomArrival(2_000));
  for (const copy of [gone, rotten, newer, lost, sound]) await put(agent, copy!);
  await remove(agent, gone!.chunk, 1);
  const bytes = await readFile(fileOf(agent, rotten!));
  bytes[1_000]! ^= 1;
  await writeFile(fileOf(agent, rotten!), bytes);
  await put(agent, { ...newer!, epoch: 9 });
  await rm(fileOf(agent, lost!));
  const wanted = [gone, rotten, newer, lost, sound].map((copy) => ({
    ...{ chunk: chunkId(copy!.chunk), slot: 0, sha256: copy!.sha256, epoch: 4 },
  }));
  expect(await nodes.renew(at(agent), wanted)).toMatchObject([
    { outcome: 'refused', reason: 'not-held', chunk: gone!.chunk },
    { outcome: 'refused', reason: 'checksum', chunk: rotten!.chunk },
    { outcome: 'refused', reason: 'below-fence', chunk: newer!.chunk },
    { outcome: 'refused', reason: 'not-held', chunk: lost!.chunk },
    { outcome: 'renewed' },
  ]);
  expect(await remove(agent, rotten!.chunk, 1)).toMatchObject({ outcome: 'unlink' });
  expect(agent.parts.store.health.suspect).toBe(false);
});

test('at a rate of next to nothing what is wanted back is read back all the same, in good time', async () => {
  const agent = await startedAgent({ backgroundRate: 1 });
  const copies = [randomArrival(1_000), randomArrival(1_000)];
  for (const copy of copies) await put(agent, copy);
  const wanted = copies.map(({ chunk, sha256 }) => ({
    ...{ chunk: chunkId(chunk), slot: 0, sha256, epoch: 4 },
  }));
  const outcomes = (await nodes.renew(at(agent), wanted)).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['renewed', 'renewed']);
});

test('a delete that comes while a copy is read back is settled before or after, never between', async () => {
  const agent = await startedAgent();
  const copy = randomArrival(8 * 2 ** 20);
  await put(agent, copy);
  const [renewed, removed] = await Promise.all([
    renew(agent, copy, 6),
    remove(agent, copy.chunk, 5).catch((error: { kind: string }) => error.kind),
  ]);
  const held = (await all(inventory(agent))).length;
  if (renewed?.outcome === 'renewed') expect([removed, held]).toEqual(['below-fence', 1]);
  else expect(held).toBe(0);
});
