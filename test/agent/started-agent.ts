import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Authority } from '../../lib/agent/authority.ts';
import { Background } from '../../lib/agent/background.ts';
import type { Log } from '../../lib/agent/log.ts';
import { Scrubber } from '../../lib/agent/scrubber.ts';
import { AgentServer } from '../../lib/agent/server.ts';
import type { StorageNode } from '../../lib/agent/storage-node.ts';
import { Store } from '../../lib/agent/store.ts';
import { Traffic } from '../../lib/agent/traffic.ts';
import { verifyingKey } from '../../lib/contract/capability.ts';
import { ThrottleRecord } from '../../lib/contract/policy.ts';
import { Heat } from '../../lib/core/heat.ts';
import type { AgentAt } from './agent-calls.ts';
import { capability, publicKey } from './arrivals.ts';

/** What began last ends first. Of the test, not of a file: files share this module. */
export const atEnd = (ending: () => Promise<unknown>): void =>
  onTestFinished(async () => void (await ending()));

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ballast-agent-'));
  atEnd(() => rm(path, { recursive: true, force: true }));
  return path;
}

export interface Started extends AgentAt {
  readonly node: string;
  readonly port: number;
  readonly directory: string;
  readonly parts: StorageNode;
  readonly server: AgentServer;
  readonly logged: string[];
  readonly stop: () => Promise<void>;
}

export interface Options {
  readonly node?: string;
  readonly directory?: string;
  readonly capacityBytes?: number;
  readonly backgroundRate?: number;
  /** Wraps the store's log. */
  readonly log?: Log;
}

/** A real agent on loopback, without heartbeats. */
export async function startedAgent(options: Options = {}): Promise<Started> {
  const { node = 'n1', capacityBytes = 2 ** 30, backgroundRate = 10e9 } = options;
  const directory = options.directory ?? (await temporaryDirectory());
  const logged: string[] = [];
  const log: Log = (event) => void logged.push(event);
  const now = () => performance.now();
  const server = new AgentServer(log);
  const shared = {
    store: await Store.open({ directory, capacityBytes, now, log }),
    background: new Background(backgroundRate, ThrottleRecord.parse({ throttle: 'none' }), now),
    traffic: new Traffic(now),
    log,
    now,
  };
  const parts: StorageNode = {
    ...shared,
    node,
    instance: `i-${node}`,
    zone: 'z1a',
    authority: new Authority(verifyingKey(publicKey), node, Date.now),
    heat: new Heat(),
    scrubber: new Scrubber({ ...shared, directory, wallClock: Date.now }),
  };
  const port = await server.listen('127.0.0.1', 0);
  server.serve(parts);
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= Promise.all([server.stop(), parts.scrubber.stop()]).then(() => parts.store.close());
    return stopped;
  };
  atEnd(stop);
  return {
    node,
    address: `127.0.0.1:${port}`,
    sign: (op, subject) => capability(node, op, subject),
    port,
    directory,
    parts,
    server,
    logged,
    stop,
  };
}
