/**
 * Measures real agents, each a process: `node test/agent/bench.ts`. One JSON document to stdout.
 * Bytes are on the disk of the temporary directory; nothing is cached between the parts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arrival, pull, put } from './agent-calls.ts';
import { type AgentProcess, startProcess } from './agent-process.ts';
import { capability, randomArrival } from './arrivals.ts';
import { fakeCloud } from './fake-cloud.ts';

const root = mkdtempSync(join(tmpdir(), 'ballast-bench-'));
const cloud = await fakeCloud();
const start = (node: string) => startProcess({ cloud, node, directory: join(root, node) });
const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
};

async function putAll(to: AgentProcess, arrivals: readonly Arrival[], lanes: number) {
  const rest = arrivals[Symbol.iterator]();
  const lane = async () => {
    for (const arrival of rest) await put(to, arrival);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function pullAll(from: AgentProcess, to: AgentProcess, arrivals: readonly Arrival[]) {
  const chunks = arrivals.map(({ chunk, slot, epoch, sha256, bytes }) => {
    const reads = [capability(from.node, 'read', chunk)];
    return { chunk, slot, epoch, sha256, size: bytes.length, reads };
  });
  const sources = [{ node: from.node, address: from.address }];
  let received = 0;
  for await (const event of pull(to, { sources, chunks, rate: 10e9 }))
    received += Number(event.event === 'received');
  if (received !== chunks.length) throw new Error(`${received} of ${chunks.length} received`);
}

/** `cp -r`, which leaves the bytes in the page cache, and the same with each file synced. */
function copySeconds(from: string): { readonly cached: number; readonly synced: number } {
  const copy = join(root, 'copy');
  const started = performance.now();
  execFileSync('cp', ['-r', from, copy]);
  const cached = (performance.now() - started) / 1_000;
  execFileSync('find', [copy, '-type', 'f', '-exec', 'sync', '{}', '+']);
  const synced = (performance.now() - started) / 1_000;
  rmSync(copy, { recursive: true });
  return { cached, synced };
}

async function pulls(name: string, count: number, size: number) {
  const [from, to] = [await start(`${name}-from`), await start(`${name}-to`)];
  const arrivals = Array.from({ length: count }, () => randomArrival(size));
  const writing = await seconds(() => putAll(from, arrivals, 32));
  const pulling = await seconds(() => pullAll(from, to, arrivals));
  const copying = copySeconds(join(root, `${name}-from`, 'chunks'));
  for (const agent of [from, to]) agent.child.kill('SIGTERM');
  await Promise.all([from.ended, to.ended]);
  const megabytes = (count * size) / 1e6;
  return {
    count,
    size,
    putsPerSecond: Math.round(count / writing),
    putMBps: Math.round(megabytes / writing),
    pullMBps: Math.round((megabytes / pulling) * 10) / 10,
    pullsPerSecond: Math.round(count / pulling),
    cpMBps: Math.round(megabytes / copying.cached),
    cpSyncedMBps: Math.round(megabytes / copying.synced),
    pullOverCp: Math.round((copying.cached / pulling) * 1_000) / 1_000,
    pullOverCpSynced: Math.round((copying.synced / pulling) * 1_000) / 1_000,
  };
}

try {
  const small = await pulls('small', 1_000, 20_000);
  const large = await pulls('large', 8, 32 * 2 ** 20);
  process.stdout.write(`${JSON.stringify({ small, large }, null, 2)}\n`);
} finally {
  await cloud.close();
  rmSync(root, { recursive: true, force: true });
}
