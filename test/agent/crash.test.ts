import { mkdir, readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type Arrival, inventory, put, read, stats } from './agent-calls.ts';
import { startProcess } from './agent-process.ts';
import { randomArrival, sha256Of } from './arrivals.ts';
import { fakeCloud } from './fake-cloud.ts';
import { atEnd, temporaryDirectory } from './started-agent.ts';

const rounds = 6;
const lanes = 16;

test('kill -9 in the middle of puts, again and again: no half chunk, and all that was acknowledged', async () => {
  const cloud = await fakeCloud();
  atEnd(() => cloud.close());
  const directory = `${await temporaryDirectory()}/data`;
  await mkdir(directory);
  const acknowledged = new Map<string, Arrival>();
  let interrupted = 0;
  for (let round = 0; round < rounds; round += 1) {
    const agent = await startProcess({ cloud, node: 'n1', directory });
    atEnd(async () => agent.child.kill('SIGKILL'));
    for await (const { chunk, size, sha256 } of inventory(agent, 50)) {
      const parts: Buffer[] = [];
      for await (const part of read(agent, chunk)) parts.push(part);
      const bytes = Buffer.concat(parts);
      expect([bytes.length, sha256Of(bytes)]).toEqual([size, sha256]);
    }
    const held = new Set<string>();
    for await (const { chunk } of inventory(agent)) held.add(chunk);
    expect([...acknowledged.keys()].filter((chunk) => !held.has(chunk))).toEqual([]);
    expect((await stats(agent)).chunks).toBe(held.size);
    expect(await readdir(`${directory}/tmp`)).toEqual([]);

    const count = acknowledged.size;
    const lane = async () => {
      for (;;) {
        const arrival = randomArrival(Math.floor(Math.random() * 60_000));
        try {
          await put(agent, arrival);
        } catch {
          interrupted += 1;
          return;
        }
        acknowledged.set(arrival.chunk, arrival);
        // Killed at no chosen point: while other lanes write, sync, rename.
        if (acknowledged.size >= count + 20 + round * 7) agent.child.kill('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(await agent.ended).toBe('SIGKILL');
  }
  expect(interrupted).toBe(rounds * lanes);
  expect(acknowledged.size).toBeGreaterThan(rounds * 20);
}, 120_000);
