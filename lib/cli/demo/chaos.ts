import { readNodes } from '../../control/fleet.ts';
import { listFlights } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import type { Context } from '../context.ts';
import type { Inspector } from './inspect.ts';
import { waitFor } from './stage.ts';

const catchLimitMs = 20_000;

/** Kills -9 the process of a node while it pulls copies. @returns the node */
export async function killInMidCopy(
  context: Context,
  ports: Ports,
  inspector: Inspector,
): Promise<string> {
  const flight = await waitFor(context, 'a copy to be under way', catchLimitMs, async () =>
    (await listFlights(ports.tables)).find(({ moves, movesDone }) => movesDone < moves),
  );
  const node = (await readNodes(ports.tables)).find(({ id }) => id === flight.to)!;
  await inspector.killAgent(node.instance);
  return node.id;
}

/** Kills -9 a busy worker of the migration function. @returns whether one was caught at work */
export async function killInMidCommit(context: Context, inspector: Inspector): Promise<boolean> {
  const killed = await waitFor(context, 'a migration to be at work', catchLimitMs, async () => {
    const count = await inspector.killWorker('migrate');
    return count > 0 ? count : undefined;
  }).catch(() => 0);
  return killed > 0;
}
