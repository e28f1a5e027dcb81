import { readNodes } from '../../control/fleet.ts';
import { listFlights, readJob } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import type { JobId } from '../../core/ids.ts';
import type { Context } from '../context.ts';
import type { Inspector } from './inspect.ts';
import { type Narrator, waitFor } from './stage.ts';

const catchLimitMs = 20_000;
/** A copy of a few files lasts a fraction of a second: look often. */
const catchEveryMs = 20;

/** Kills a node in the middle of its copies and a worker in the middle of its commits, and tells of both. */
export async function disturb(
  context: Context,
  ports: Ports,
  inspector: Inspector,
  job: JobId,
  narrator: Narrator,
): Promise<void> {
  const node = await killInMidCopy(context, ports, inspector, job);
  if (node === undefined) {
    narrator.say('Chaos: the copies were over too soon to kill a node in their middle');
    return;
  }
  narrator.say(`Chaos: killed -9 the process of ${node} in mid-copy`);
  const caught = await killInMidCommit(context, inspector);
  narrator.say(
    caught
      ? 'Chaos: killed -9 a worker of the migration function'
      : 'Chaos: no migration was at work',
  );
}

/**
 * Kills -9 the process of a node while it pulls copies.
 *
 * @returns the node, or nothing when the job was over before it could be caught
 */
async function killInMidCopy(
  context: Context,
  ports: Ports,
  inspector: Inspector,
  job: JobId,
): Promise<string | undefined> {
  const flight = await waitFor(
    context,
    'a copy to be under way',
    catchLimitMs,
    async () => {
      const flights = await listFlights(ports.tables);
      const under = flights.find((each) => each.job === job && each.movesDone < each.moves);
      const isOver = under === undefined && (await readJob(ports.tables, job))?.state !== 'running';
      return under ?? (isOver ? 'over' : undefined);
    },
    catchEveryMs,
  );
  if (flight === 'over') return undefined;
  const node = (await readNodes(ports.tables)).find(({ id }) => id === flight.to)!;
  await inspector.killAgent(node.instance);
  return node.id;
}

/** The worker is at work while the copy is: soon, or not any more. */
const commitLimitMs = 3_000;

/** Kills -9 a busy worker of the migration function. @returns whether one was caught at work */
async function killInMidCommit(context: Context, inspector: Inspector): Promise<boolean> {
  const killed = await waitFor(
    context,
    'a migration to be at work',
    commitLimitMs,
    async () => {
      const count = await inspector.killWorker('migrate');
      return count > 0 ? count : undefined;
    },
    catchEveryMs,
  ).catch(() => 0);
  return killed > 0;
}
