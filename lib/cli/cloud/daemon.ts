import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { failureOf } from '../failure.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { forgetRunningCloud, logOf, writeRunningCloud } from './running.ts';

/** What the cloud's process tells the one that started it. */
export type DaemonMessage =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly sentence: string; readonly isUsage: boolean };

export interface DaemonOptions {
  readonly assembly: string;
  readonly port: number | undefined;
}

/** Refusals of lib/local that the user can mend by another command line. */
const usageRefusals: readonly unknown[] = ['home-in-use', 'port-in-use', 'bad-assembly'];

/** Runs the local cloud in this process until it is asked to end. */
export async function runDaemon(
  { globals, io, world }: Context,
  { assembly, port }: DaemonOptions,
): Promise<Answer> {
  const { home } = globals;
  mkdirSync(dirname(logOf(home)), { recursive: true });
  const log = (line: string) => {
    io.err(`${new Date(io.now()).toISOString()} ${line}\n`);
    tell({ kind: 'progress', line });
  };
  try {
    const cloud = await world.startCloud({ assembly, home, port, region: globals.region, log });
    const { endpoint, environment, settings } = cloud;
    writeRunningCloud(home, { pid: process.pid, endpoint, environment, settings });
    tell({ kind: 'ready' });
    stopTelling();
    await untilInterrupted(io.interrupted);
    forgetRunningCloud(home);
    await cloud.close();
    return { document: { stopped: true }, text: () => '' };
  } catch (error) {
    const isUsage = usageRefusals.includes((error as { kind?: unknown }).kind);
    const { sentence } = failureOf(error);
    io.err(`${error instanceof Error ? (error.stack ?? sentence) : sentence}\n`);
    tell({ kind: 'refused', sentence, isUsage });
    return { document: { error: sentence }, text: () => '', exitCode: exitCodes.failed };
  }
}

function tell(message: DaemonMessage): void {
  if (process.connected) process.send?.(message, () => {}); // the starter may be gone: the log has it too
}

function stopTelling(): void {
  if (process.connected) process.disconnect();
}
