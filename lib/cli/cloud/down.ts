import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { UserError } from '../user-error.ts';
import { findRunningCloud, isAlive, type RunningCloud } from './running.ts';

/** Functions, agents and emulators get time to end in good order. */
const stopLimitMs = 30_000;
const pollMs = 50;

/** Stops the local cloud of a home; its data stays. */
export async function down(context: Context): Promise<Answer> {
  const { globals } = context;
  const cloud = await findRunningCloud(globals.home);
  if (cloud === undefined) {
    return {
      document: { stopped: false },
      text: () => `No local cloud runs on ${globals.home}.`,
    };
  }
  await stopCloud(context, cloud);
  return {
    document: { stopped: true, pid: cloud.pid },
    text: () => `The local cloud on ${globals.home} has stopped; \`ballast up\` takes it up again.`,
  };
}

/** Asks the cloud's process to end and waits until it has. @throws UserError when it does not end in time */
export async function stopCloud({ io }: Context, { pid }: RunningCloud): Promise<void> {
  process.kill(pid, 'SIGTERM');
  const limit = io.now() + stopLimitMs;
  while (isAlive(pid)) {
    if (io.now() > limit) {
      throw new UserError(
        `Process ${pid} has not ended within ${stopLimitMs / 1_000} s: end it with kill -9, nothing is lost.`,
        exitCodes.failed,
      );
    }
    await delay(pollMs);
  }
}
