import type { Writable } from 'node:stream';
import type { ControlEnv } from '../contract/env.ts';
import type { Ports } from '../control/ports.ts';
import type { ExitCode } from './exit-codes.ts';

/** The terminal, as far as commands see it. */
export interface Io {
  /** Standard output: documents and tables. */
  out(text: string): void;
  /** Standard error: progress and sentences. */
  err(text: string): void;
  /** The same two, for documents too large for one piece. */
  readonly streams: { readonly stdout: Writable; readonly stderr: Writable };
  /** Whether standard error is a terminal: only there are bars drawn. */
  readonly isTerminal: boolean;
  readonly columns: number;
  /** The process's environment; the flags for AWS are written into it before a client is made. */
  readonly env: Record<string, string | undefined>;
  /** Epoch milliseconds. */
  now(): number;
  /** Ctrl-C, or a request to end. */
  readonly interrupted: AbortSignal;
  /** A yes or no on the terminal; `undefined` where there is nobody to ask. */
  confirm(question: string): Promise<boolean | undefined>;
}

/** A store's ports, and a way to let go of their connections. */
export interface Store {
  readonly ports: Ports;
  close(): void;
}

export interface LocalCloud {
  readonly endpoint: string;
  /** What AWS clients need in their environment to speak to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: ControlEnv;
  close(): Promise<void>;
}

export interface CloudStart {
  readonly assembly: string;
  readonly home: string;
  readonly port: number | undefined;
  readonly region: string | undefined;
  readonly log: (line: string) => void;
}

export interface PageStart {
  /** The page's verbs are commands of the command line: they run in it. */
  readonly context: Context;
  readonly ports: Ports;
  readonly fleet: string;
  /** 0 takes any that is free. */
  readonly port: number;
}

/** The page, served on loopback. */
export interface Page {
  /** With its key in the fragment: whoever has it may steer. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What the command line needs of other layers; `bin` brings them, each loaded when it is first used. */
export interface World {
  /** Over AWS clients as the environment now says. */
  openStore(settings: ControlEnv): Promise<Store>;
  startCloud(start: CloudStart): Promise<LocalCloud>;
  /** @throws UserError when the port is taken */
  servePage(start: PageStart): Promise<Page>;
  /** Paths of the programs that `up` starts. */
  readonly commandFile: string;
  readonly appFile: string;
}

/** Options that every command takes. */
export interface Globals {
  readonly json?: true;
  readonly home: string;
  readonly settings?: string;
  readonly profile?: string;
  readonly region?: string;
  readonly endpointUrl?: string;
}

export interface Context {
  readonly globals: Globals;
  readonly io: Io;
  readonly world: World;
}

/** What a command has to say: a document for machines, text for people. */
export interface Answer {
  readonly document: unknown;
  readonly text: () => string;
  /** @default 0 */
  readonly exitCode?: ExitCode;
}
