#!/usr/bin/env node
import { parentPort, workerData } from 'node:worker_threads';
import type { RunningAgent } from '../lib/agent/main.ts';

// Each thread loads only what it runs.
if (parentPort === null) await serve();
else (await import('../lib/agent/carrier-thread.ts')).carry(parentPort, workerData);

async function serve(): Promise<void> {
  const agent = await started();
  let state: 'running' | 'stopping' = 'running';
  const stop = async () => {
    if (state === 'stopping') return;
    state = 'stopping';
    await agent.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}

async function started(): Promise<RunningAgent> {
  try {
    const { startAgent } = await import('../lib/agent/main.ts');
    return await startAgent({
      environment: process.env,
      write: (line) => process.stdout.write(line),
      wallClock: Date.now,
      monotonic: () => performance.now(),
      entry: new URL(import.meta.url),
    });
  } catch (error) {
    const { name, message, cause } = error as Error;
    const because = cause instanceof Error ? ` (${cause.message})` : '';
    process.stderr.write(`node-agent: ${message}${because}\n`);
    process.exit(name === 'WrongSettings' ? 2 : 1);
  }
}
