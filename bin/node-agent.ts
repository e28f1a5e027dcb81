#!/usr/bin/env node
import { type RunningAgent, startAgent } from '../lib/agent/main.ts';

let agent: RunningAgent;
try {
  agent = await startAgent({
    environment: process.env,
    write: (line) => process.stdout.write(line),
    wallClock: Date.now,
    monotonic: () => performance.now(),
  });
} catch (error) {
  const { name, message, cause } = error as Error;
  const because = cause instanceof Error ? ` (${cause.message})` : '';
  process.stderr.write(`node-agent: ${message}${because}\n`);
  process.exit(name === 'WrongSettings' ? 2 : 1);
}

let state: 'running' | 'stopping' = 'running';
async function stop(): Promise<void> {
  if (state === 'stopping') return;
  state = 'stopping';
  await agent.stop();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
