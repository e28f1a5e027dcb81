import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Children } from './children.ts';
import { stopTogether } from './die-together.ts';
import type { Home } from './home.ts';
import { LocalCloudRefusal } from './refusal.ts';
import { proxyTo } from './table-proxy.ts';
import type { Backend } from './wire.ts';

export interface DynamoDb {
  readonly backend: Backend;
  close(): Promise<void>;
}

export interface DynamoDbOptions {
  readonly home: Home;
  readonly children: Children;
  readonly log: (line: string) => void;
  /** A DynamoDB that already runs elsewhere; used when no binary is found. */
  readonly external: string | undefined;
  readonly searchPath: string;
}

/** Starts dynoxide on a file below home, or connects to an external DynamoDB. */
export async function startDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const binary = findBinary(options.searchPath);
  if (binary !== undefined) return startDynoxide(binary, options);
  if (options.external === undefined)
    throw new LocalCloudRefusal(
      'no-dynamodb',
      `No DynamoDB for ${process.platform}-${process.arch}: install the optional package ` +
        '@dynoxide/linux-x64, put a dynoxide binary on the PATH, or set AWS_ENDPOINT_URL_DYNAMODB.',
    );
  return {
    backend: proxyTo(new URL(options.external), Number.POSITIVE_INFINITY),
    close: async () => {},
  };
}

function findBinary(searchPath: string): string | undefined {
  const candidates = searchPath.split(delimiter).map((directory) => join(directory, 'dynoxide'));
  try {
    const name = `@dynoxide/${process.platform}-${process.arch}/package.json`;
    const manifest = createRequire(import.meta.url).resolve(name);
    candidates.unshift(join(dirname(manifest), 'dynoxide'));
  } catch {
    // an optional dependency: absent where the platform has no binary
  }
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function startDynoxide(binary: string, options: DynamoDbOptions): Promise<DynamoDb> {
  const port = await freePort();
  const run = (): ChildProcess => launch(binary, port, options);
  const state = { child: run(), stopping: 'no' as 'no' | 'yes' };
  const watch = (): void => {
    state.child.once('exit', (code, signal) => {
      if (state.child.pid !== undefined) options.children.forget(state.child.pid);
      if (state.stopping === 'yes') return;
      options.log(`dynoxide ended (${signal ?? code}); starting it again`);
      setTimeout(() => {
        if (state.stopping === 'yes') return;
        state.child = run();
        watch();
      }, restartMs);
    });
  };
  watch();
  await untilItAnswers(port, state.child);
  const close = (): Promise<void> => {
    state.stopping = 'yes';
    return stop(state.child);
  };
  return { backend: proxyTo(new URL(`http://127.0.0.1:${port}`), writesAtOnceMax), close };
}

function launch(binary: string, port: number, { home, children }: DynamoDbOptions): ChildProcess {
  const file = home.at('dynamodb', 'tables.db');
  const output = openSync(home.at('logs', 'dynoxide.log'), 'a');
  const child = spawn(binary, ['serve', '--port', String(port), '--db-path', file], {
    stdio: ['ignore', output, output],
  });
  child.on('error', () => {}); // it then never answers, which untilItAnswers tells
  if (child.pid !== undefined) children.record(child.pid, 'dynoxide');
  stopTogether(child);
  return child;
}

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), stopMsMax).unref();
  });

/**
 * Dynoxide serves one request after the other: behind eight transactions of a hundred items a read waits for 190 ms. So
 * writes wait here, where reads overtake them: 18 ms, and as many writes a second.
 */
const writesAtOnceMax = 1;
const restartMs = 200;
/** SQLite needs no orderly end; two seconds let open transactions finish. */
const stopMsMax = 2_000;
/** 200 × 25 ms = 5 s; it takes about 50 ms. */
const answerTriesMax = 200;

async function untilItAnswers(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < answerTriesMax; tries += 1) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer) return;
    await delay(25);
  }
  throw new LocalCloudRefusal('component-failed', 'dynoxide did not start; see logs/dynoxide.log.');
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
