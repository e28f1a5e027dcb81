#!/usr/bin/env node
/**
 * What moves cost clients, in pairs of windows with and without moves, on real agents (a process each) with
 * real bytes on the disk of the temporary directory:
 *
 *   node test/bench/impact.ts [--pairs 10] [--policies latency,load,fixed,none] [--seconds 8]
 *     [--rate 100000000] [--objective 5]
 *
 * A client in a process of its own reads and writes in an open loop (impact-client.ts). Of a pair both windows
 * have the same requests at the same moments; their order alternates. `reach` is what moves carry under the
 * same throttle with no client, `use` their share of it beside clients. The objective, in milliseconds, is
 * below what the disk gives, so that `latency` holds to 1.2 times what clients have without moves. One JSON
 * document to stdout, lines to stderr. Exits 1 if `latency` misses its goal: a median ratio of 1.25 at most,
 * and 60 % of the reach.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Policy } from '../../lib/contract/policy.ts';
import { nodePolicyOp } from '../../lib/control/tell-nodes.ts';
import { put, stats } from '../agent/agent-calls.ts';
import { type AgentProcess, startProcess } from '../agent/agent-process.ts';
import { randomArrival } from '../agent/arrivals.ts';
import { fakeCloud } from '../agent/fake-cloud.ts';
import type { ClientAnswer, ClientTask } from './impact-client.ts';
import { Moves } from './impact-moves.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10' },
    policies: { type: 'string', default: 'latency,load,fixed,none' },
    seconds: { type: 'string', default: '8' },
    rate: { type: 'string', default: '100000000' },
    objective: { type: 'string', default: '5' },
  },
});
const pairs = Number(values.pairs);
const windowMs = Number(values.seconds) * 1_000;
/** 10 MB/s of clients: 40 requests a second of 256 KiB, a fifth of them writes. */
const perSecond = 40;
const clientBytes = 256 * 1024;
/** A node's budget is the reference's 100 MB/s; a quarter more than a window can carry is there to move. */
const nodeRate = Number(values.rate);
const movedBytes = 1.25 * nodeRate * Number(values.seconds);
const ratioMax = 1.25;
const useMin = 0.6;

const root = mkdtempSync(join(tmpdir(), 'ballast-impact-'));
const cloud = await fakeCloud();
const agents: AgentProcess[] = [];
const client = fork(new URL('./impact-client.ts', import.meta.url));

function told(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function startAgent(node: string): Promise<AgentProcess> {
  const environment = {
    BALLAST_BACKGROUND_RATE: String(nodeRate),
    BALLAST_CAPACITY: String(100e9),
    BALLAST_HEARTBEAT_SECONDS: '2',
  };
  const agent = await startProcess({ cloud, node, directory: join(root, node), environment });
  agents.push(agent);
  return agent;
}

/** The operator's wish, and the five seconds in which nodes must have heard it. */
async function setThrottle(throttle: Policy['throttle']): Promise<void> {
  const latencyObjectiveMs = Number(values.objective);
  const fixed = { nodeCapacityBytes: 1, throttleRateBytes: 10e6, latencyObjectiveMs };
  const policy = Policy.parse({ ...fixed, throttle });
  cloud.throttle = { pk: 'P', sk: 'T', ...nodePolicyOp(policy).fields };
  const until = performance.now() + 5_000;
  for (const agent of agents) {
    while ((await stats(agent)).throttle !== throttle) {
      if (performance.now() > until) throw new Error(`${agent.node} did not hear of ${throttle}`);
      await delay(100);
    }
  }
}

async function ask(child: ChildProcess, task: ClientTask): Promise<ClientAnswer> {
  child.send(task);
  const [answer] = await once(child, 'message');
  return answer as ClientAnswer;
}

const quantile = (all: readonly number[], share: number): number =>
  all.toSorted((left, right) => left - right)[Math.max(0, Math.ceil(all.length * share) - 1)] ?? 0;
/** The middle one, or the mean of the two. */
function median(all: readonly number[]): number {
  const sorted = all.toSorted((left, right) => left - right);
  const middle = sorted.slice(Math.ceil(all.length / 2) - 1, Math.floor(all.length / 2) + 1);
  return middle.reduce((sum, each) => sum + each, 0) / middle.length;
}
const round = (value: number): number => Math.round(value * 100) / 100;

const [from, to] = [await startAgent('n1'), await startAgent('n2')];
const small = Array.from({ length: 40 }, () => randomArrival(clientBytes));
for (const arrival of small) for (const agent of agents) await put(agent, arrival);
const moves = await Moves.prepare(from, to, movedBytes);

const clients = (seed: number): Promise<ClientAnswer> =>
  ask(client, {
    agents: agents.map(({ node, address }) => ({ node, address })),
    chunks: small.map(({ chunk }) => chunk),
    ...{ seed, windowMs, perSecond, writeShare: 0.2, writeBytes: clientBytes },
  });

async function pair(index: number) {
  const seed = 1_000 + index;
  const quietly = async () => quantile((await clients(seed)).latencies, 0.99);
  const beside = async () => {
    const [{ latencies, failures }, carried] = await Promise.all([
      clients(seed),
      moves.run(windowMs),
    ]);
    await moves.undo();
    // What removing them left for the disk to do is no part of the next window.
    await delay(1_000);
    return { p99: quantile(latencies, 0.99), failures, carried };
  };
  if (index % 2 === 0) {
    const without = await quietly();
    return { without, ...(await beside()) };
  }
  const busy = await beside();
  return { without: await quietly(), ...busy };
}

async function measure(throttle: Policy['throttle']) {
  await setThrottle(throttle);
  const alone = [];
  for (let i = 0; i < 2; i++) {
    // Ten seconds without a client, after which `latency` knows that none is there.
    await delay(throttle === 'latency' ? 11_000 : 1_000);
    alone.push(await moves.run(windowMs));
    await moves.undo();
  }
  const reach = Math.max(...alone);
  const results = [];
  for (let index = 0; index < pairs; index++) {
    const result = await pair(index);
    results.push(result);
    const { without, p99, carried, failures } = result;
    told(
      `${throttle} ${index + 1}/${pairs}: p99 ${without.toFixed(1)} -> ${p99.toFixed(1)} ms (x${(p99 / without).toFixed(2)}), moves ${(carried / 1e6).toFixed(1)} MB/s, failures ${failures}, load ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}`,
    );
  }
  const carried = median(results.map((each) => each.carried));
  return {
    throttle,
    p99WithoutMs: round(median(results.map(({ without }) => without))),
    p99WithMs: round(median(results.map(({ p99 }) => p99))),
    ratioMedian: round(median(results.map(({ p99, without }) => p99 / without))),
    ratioWorst: round(Math.max(...results.map(({ p99, without }) => p99 / without))),
    reachMBps: round(reach / 1e6),
    movesMBps: round(carried / 1e6),
    use: round(carried / reach),
    failures: results.reduce((sum, { failures }) => sum + failures, 0),
  };
}

try {
  await clients(1);
  const figures = [];
  for (const throttle of values.policies.split(','))
    figures.push(await measure(Policy.shape.throttle.parse(throttle)));
  process.stdout.write(`${JSON.stringify({ pairs, windowMs, nodeRate, figures }, null, 2)}\n`);
  const latency = figures.find(({ throttle }) => throttle === 'latency');
  const isMissed =
    latency !== undefined && (latency.ratioMedian > ratioMax || latency.use < useMin);
  process.exitCode = isMissed ? 1 : 0;
} finally {
  client.kill();
  for (const agent of agents) agent.child.kill('SIGTERM');
  await Promise.all(agents.map(({ ended }) => ended));
  await cloud.close();
  rmSync(root, { recursive: true, force: true });
}
