/**
 * A client of two or more agents, in a process of its own: reads and writes at moments drawn beforehand,
 * whatever the answers do (an open loop), and measures each from the moment at which it was to begin, so
 * that a slow answer never hides the wait of those behind it ("coordinated omission", Gil Tene).
 *
 * Told windows over IPC; answers each with its latencies.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type AgentAt, put, read, removals } from '../agent/agent-calls.ts';
import { arrivalOf, capability } from '../agent/arrivals.ts';

export interface ClientTask {
  readonly agents: readonly { readonly node: string; readonly address: string }[];
  /** Chunks that every agent holds. */
  readonly chunks: readonly string[];
  readonly seed: number;
  readonly windowMs: number;
  /** Requests a second to all agents together. */
  readonly perSecond: number;
  readonly writeShare: number;
  readonly writeBytes: number;
}
export interface ClientAnswer {
  readonly latencies: readonly number[];
  readonly failures: number;
}

interface Agent extends AgentAt {
  readonly node: string;
}

/** Mulberry32. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const signer = (node: string): AgentAt['sign'] => {
  const known = new Map<string, string>();
  return (op, subject = '') => {
    if (op !== 'read') return capability(node, op, subject);
    const token = known.get(subject) ?? capability(node, op, subject, Date.now() + 3_600_000);
    known.set(subject, token);
    return token;
  };
};

async function runWindow(task: ClientTask): Promise<ClientAnswer> {
  const next = generator(task.seed);
  const agents: Agent[] = task.agents.map((at) => ({ ...at, sign: signer(at.node) }));
  const latencies: number[] = [];
  const written: { readonly agent: Agent; readonly chunk: string }[] = [];
  const running: Promise<void>[] = [];
  let failures = 0;
  const body = randomBytes(task.writeBytes);
  const request = async (dueAt: number) => {
    const agent = agents[Math.floor(next() * agents.length)]!;
    const chunk = task.chunks[Math.floor(next() * task.chunks.length)]!;
    const isWrite = next() < task.writeShare;
    try {
      if (isWrite) {
        randomBytes(16).copy(body);
        const arrival = arrivalOf(Buffer.from(body));
        await put(agent, arrival);
        written.push({ agent, chunk: arrival.chunk });
      } else for await (const _ of read(agent, chunk)) void _;
      latencies.push(performance.now() - dueAt);
    } catch {
      failures += 1;
    }
  };
  const from = performance.now();
  for (let due = from; due < from + task.windowMs; ) {
    await delay(Math.max(0, due - performance.now()));
    running.push(request(due));
    due += (-Math.log(1 - next()) * 1_000) / task.perSecond;
  }
  await Promise.all(running);
  await forget(agents, written);
  return { latencies, failures };
}

async function forget(
  agents: readonly Agent[],
  written: readonly { readonly agent: Agent; readonly chunk: string }[],
): Promise<void> {
  for (const each of agents) {
    const mine = written.filter(({ agent }) => agent === each);
    if (mine.length > 0)
      await removals(each, { removals: mine.map(({ chunk }) => ({ chunk, version: 1 })) });
  }
}

if (process.send !== undefined)
  process.on('message', async (task: ClientTask) => process.send!(await runWindow(task)));
