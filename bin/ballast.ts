#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { CloudStart, Io, LocalCloud, Store, World } from '../lib/cli/context.ts';
import type { ControlEnv } from '../lib/contract/env.ts';

// What is imported from here on is compiled once, not each time that a command runs.
enableCompileCache();

const interruption = new AbortController();
const streams = { stdout: process.stdout, stderr: process.stderr };

const io: Io = {
  out: (text) => void streams.stdout.write(text),
  err: (text) => void streams.stderr.write(text),
  streams,
  isTerminal: process.stderr.isTTY === true,
  columns: process.stderr.columns ?? 80,
  env: process.env,
  now: Date.now,
  interrupted: interruption.signal,
  confirm,
};

async function confirm(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: interruption.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

async function openStore(settings: ControlEnv): Promise<Store> {
  const [{ parseSettings }, { portsFrom }, tables, nodes, queues, workflows] = await Promise.all([
    import('../lib/aws/config.ts'),
    import('../lib/aws/ports.ts'),
    import('../lib/aws/tables.ts'),
    import('../lib/aws/nodes.ts'),
    import('../lib/aws/queues.ts'),
    import('../lib/aws/workflows.ts'),
  ]);
  const ports = portsFrom(parseSettings(settings), {
    tables: tables.dynamoTables,
    nodes: nodes.agentNodes,
    queues: queues.sqsQueues,
    workflows: workflows.stepFunctions,
    log: () => () => {}, // a command speaks for itself; functions write the log
  });
  return { ports, close: () => {} };
}

async function startCloud({ region, port, ...start }: CloudStart): Promise<LocalCloud> {
  const [{ startCloud: begin }, { parseSettings }] = await Promise.all([
    import('../lib/local/cloud.ts'),
    import('../lib/cli/connect.ts'),
  ]);
  const cloud = await begin({
    ...start,
    ...(port !== undefined && { port }),
    ...(region !== undefined && { region }),
  });
  const { endpoint, environment } = cloud;
  const output = Object.entries(cloud.outputs).find(([name]) => /(^|\.)BallastSettings/.test(name));
  const settings = parseSettings(output?.[1] ?? '', "the stack's output BallastSettings");
  return { endpoint, environment, settings, close: () => cloud.close() };
}

const world: World = {
  openStore,
  startCloud,
  servePage: async (start) => (await import('../lib/dashboard/serve-page.ts')).servePage(start),
  commandFile: import.meta.filename,
  appFile: join(import.meta.dirname, 'app.ts'),
};

/** The first signal asks for an end in good order, the second is obeyed at once. */
const interruptedCode = 130;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(interruptedCode);
    interruption.abort();
  });
}
/** `ballast ls | head` ends when its reader has seen enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

/** Loaded last: from its first moment on, a signal is an interruption. */
const { main } = await import('../lib/cli/main.ts');
const exitCode = await main(process.argv.slice(2), io, world);
/** Idle connections would keep the process alive: it ends once what it said is written. */
streams.stdout.write('', () => streams.stderr.write('', () => process.exit(exitCode)));
