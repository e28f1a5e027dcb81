import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AgentAt } from './agent-calls.ts';
import { healthz } from './agent-calls.ts';
import { capability } from './arrivals.ts';
import type { FakeCloud } from './fake-cloud.ts';

const entry = new URL('../../bin/node-agent.ts', import.meta.url).pathname;

export interface AgentProcess extends AgentAt {
  readonly node: string;
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

export interface ProcessOptions {
  readonly cloud: FakeCloud;
  readonly node: string;
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A program that starts the agent, e.g. a tracer. */
  readonly wrapper?: readonly string[];
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** The agent as systemd starts it; answers once it serves. */
export async function startProcess(options: ProcessOptions): Promise<AgentProcess> {
  const { cloud, node, directory, environment = {}, wrapper = [] } = options;
  const port = await freePort();
  const [program, ...args] = [...wrapper, process.execPath, entry];
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      UV_THREADPOOL_SIZE: '32',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `${cloud.endpoint}/imds/${node}`,
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'A',
      AWS_SECRET_ACCESS_KEY: 'S',
      BALLAST_FLEET: 'f',
      BALLAST_HEARTBEATS_TABLE: 'Heartbeats',
      BALLAST_BUNDLE: 's3://b/k',
      BALLAST_DATA_DIR: directory,
      BALLAST_PORT: String(port),
      BALLAST_CAPACITY: String(4e9),
      BALLAST_HEARTBEAT_SECONDS: '0.1',
      BALLAST_BACKGROUND_RATE: String(10e9),
      ...environment,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 'unknown')),
  );
  const agent: AgentProcess = {
    node,
    child,
    ended,
    address: `127.0.0.1:${port}`,
    sign: (op, subject) => capability(node, op, subject),
    output: () => output,
  };
  await served(agent);
  return agent;
}

async function served(agent: AgentProcess): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    try {
      await healthz(agent);
      return;
    } catch (error) {
      const isOver = agent.child.exitCode !== null || performance.now() > until;
      if (isOver) throw new Error(`the agent does not serve: ${agent.output()}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
