import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Ports } from '../../control/ports.ts';
import { connectTo } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';
import type { DaemonMessage } from './daemon.ts';
import { stopCloud } from './down.ts';
import { launchFirstNodes } from './first-nodes.ts';
import { nodesNotAnswering } from './nodes-answer.ts';
import { findRunningCloud, logOf, type RunningCloud } from './running.ts';
import { assemblyOf, type Renewal } from './synthesise.ts';

export interface UpOptions {
  /** Nodes that a fresh home begins with. */
  readonly nodes: number;
  readonly nodeCapacityBytes: number;
  readonly port: number | undefined;
  /** A synthesised assembly to run as it is. */
  readonly assembly: string | undefined;
  readonly renewal: Renewal;
}

/** Starts the local cloud of a home in the background, or takes it up again where it ended; then its nodes serve. */
export async function up(context: Context, options: UpOptions): Promise<Answer> {
  const { globals, io } = context;
  const already = await findRunningCloud(globals.home);
  if (already !== undefined) {
    throw new UserError(
      `A local cloud already runs on ${globals.home} (process ${already.pid}, ${already.endpoint}): stop it with \`ballast down\`.`,
    );
  }
  const assembly = options.assembly ?? (await assemblyOf(context, options, options.renewal));
  io.interrupted.throwIfAborted();
  const cloud = await startDaemon(context, assembly, options.port);
  const store = await connectTo(context, cloud);
  try {
    return await describeUp(context, store.ports, cloud, options.nodes);
  } catch (error) {
    if (!io.interrupted.aborted) throw error;
    await stopCloud(context, cloud);
    throw io.interrupted.reason;
  } finally {
    store.close();
  }
}

async function describeUp(
  context: Context,
  ports: Ports,
  cloud: RunningCloud,
  nodesWanted: number,
): Promise<Answer> {
  const { home } = context.globals;
  const nodes = await launchFirstNodes(context, ports, cloud.settings, nodesWanted);
  const silent = (await nodesNotAnswering(context.io, ports)).map(({ id }) => id);
  const { endpoint, pid } = cloud;
  return {
    document: { endpoint, pid, home: resolve(home), nodes, silent, log: logOf(home) },
    text: () =>
      [
        `The local cloud runs at ${endpoint} (process ${pid}, home ${home}) with ${counted(nodes, 'node')}.`,
        ...(silent.length > 0 ? [`Not answering yet: ${silent.join(', ')}.`] : []),
        'Next:  ballast put DIR DEST   ballast status   ballast dashboard   ballast down',
      ].join('\n'),
  };
}

/** Starts the cloud's process and waits until it serves. @throws UserError with what the process refused */
export async function startDaemon(
  context: Context,
  assembly: string,
  port: number | undefined,
): Promise<RunningCloud> {
  const { globals, io } = context;
  const child = spawnDaemon(context, assembly, port);
  await untilReady(child, context);
  child.unref();
  const cloud = await findRunningCloud(globals.home);
  if (cloud !== undefined && io.interrupted.aborted) await stopCloud(context, cloud);
  io.interrupted.throwIfAborted();
  if (cloud !== undefined) return cloud;
  throw new UserError(
    `The local cloud ended at once: ${logOf(globals.home)} says why.`,
    exitCodes.failed,
  );
}

/** In a session of its own: it outlives this command and its terminal. */
function spawnDaemon({ globals, world }: Context, assembly: string, port: number | undefined) {
  mkdirSync(dirname(logOf(globals.home)), { recursive: true });
  const log = openSync(logOf(globals.home), 'a');
  const args = [world.commandFile, '_cloud', '--home', globals.home, '--assembly', assembly];
  if (globals.region !== undefined) args.push('--region', globals.region);
  if (port !== undefined) args.push('--port', String(port));
  return spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log, 'ipc'] });
}

function untilReady(child: ChildProcess, { globals, io }: Context): Promise<void> {
  return new Promise((ready, refused) => {
    const interrupt = () => child.kill('SIGTERM');
    io.interrupted.addEventListener('abort', interrupt, { once: true });
    child.on('message', (message: DaemonMessage) => {
      if (message.kind === 'progress') io.err(`${message.line}\n`);
      if (message.kind === 'refused') {
        const exitCode = message.isUsage ? exitCodes.usage : exitCodes.failed;
        refused(new UserError(message.sentence, exitCode, { log: logOf(globals.home) }));
      }
      if (message.kind === 'ready') {
        io.interrupted.removeEventListener('abort', interrupt);
        ready();
      }
    });
    child.on('error', refused);
    child.on('exit', () => {
      const sentence = `The local cloud did not start: ${logOf(globals.home)} says why.`;
      refused(
        io.interrupted.aborted ? io.interrupted.reason : new UserError(sentence, exitCodes.failed),
      );
    });
  });
}
