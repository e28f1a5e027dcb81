import { Writable } from 'node:stream';
import type { Io, World } from '../../lib/cli/context.ts';
import { main } from '../../lib/cli/main.ts';
import { ControlEnv } from '../../lib/contract/env.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { scratch } from './scratch.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Options with which a store was opened: none when the command line was refused before. */
  readonly opened: number;
}

export interface Running {
  readonly ports?: Ports;
  readonly interrupted?: AbortSignal;
  readonly confirmed?: boolean;
  readonly env?: Record<string, string>;
}

/** Any deployment's settings: the ports are given, so no value is used. */
const settings = JSON.stringify({
  ...Object.fromEntries(Object.keys(ControlEnv.shape).map((name) => [name, name])),
  BALLAST_SUBNETS: 'a=subnet-a,b=subnet-b,c=subnet-c',
});

/** Runs one command line in this process over given ports. */
export async function ballast(argv: readonly string[], running: Running = {}): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  let opened = 0;
  const io: Io = {
    out: (text) => {
      said.stdout += text;
    },
    err: (text) => {
      said.stderr += text;
    },
    streams: { stdout: collect((text) => io.out(text)), stderr: collect((text) => io.err(text)) },
    isTerminal: false,
    columns: 80,
    env: running.ports === undefined ? { ...running.env } : { BALLAST_SETTINGS: settings },
    now: Date.now,
    interrupted: running.interrupted ?? new AbortController().signal,
    confirm: async () => running.confirmed,
  };
  const world: World = {
    openStore: async () => {
      opened += 1;
      if (running.ports === undefined) throw new Error('no store was expected to be opened');
      return { ports: running.ports, close: () => {} };
    },
    startCloud: async () => {
      throw new Error('no cloud was expected to be started');
    },
    servePage: async () => {
      throw new Error('no page was expected to be served');
    },
    commandFile: '/dev/null',
    appFile: '/dev/null',
  };
  const home = argv.includes('--home') ? [] : ['--home', `${scratch()}/home`];
  const exitCode = await main([...home, ...argv], io, world);
  return { exitCode, ...said, opened };
}

const collect = (take: (text: string) => void): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString());
      done();
    },
  });
