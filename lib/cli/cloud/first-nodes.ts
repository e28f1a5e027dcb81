import type { ControlEnv } from '../../contract/env.ts';
import { readNodes } from '../../control/fleet.ts';
import { listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { startScaleOut } from '../../control/start-job.ts';
import type { JobId } from '../../core/ids.ts';
import { servesReads } from '../../core/lifecycle.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { spreadOverZones } from '../steer/spread-over-zones.ts';
import { waitForJob } from '../steer/wait-for-job.ts';
import { UserError } from '../user-error.ts';

/** Joining takes seconds on one machine; a node that needs longer will not come. */
const joinLimitMs = 180_000;

/**
 * Gives a fresh fleet its first nodes and waits for them; a launch that was cut off is waited for again.
 *
 * @returns how many nodes there are now
 */
export async function launchFirstNodes(
  context: Context,
  ports: Ports,
  settings: ControlEnv,
  wanted: number,
): Promise<number> {
  const [nodes, jobs] = await Promise.all([readNodes(ports.tables), listJobs(ports.tables)]);
  const cutOff = jobs.find(({ kind, state }) => kind === 'scale-out' && state === 'running');
  const isFresh = jobs.length === 0 && wanted > 0;
  const serves = nodes.some(({ state }) => servesReads(state));
  if (serves || (cutOff === undefined && !isFresh)) return nodes.length;
  const id = cutOff?.id ?? (await launch(ports, settings, wanted));
  const job = await waitForJob(context, ports, id, joinLimitMs);
  if (job.state !== 'done') {
    throw new UserError(
      `The first nodes did not come: ${job.reasons.join('; ')}`,
      exitCodes.failed,
    );
  }
  return (await readNodes(ports.tables)).length;
}

async function launch(ports: Ports, settings: ControlEnv, wanted: number): Promise<JobId> {
  const byZone = spreadOverZones(wanted, zonesOf(settings), []);
  const started = await startScaleOut(ports, byZone, [`first ${wanted} nodes of a new fleet`]);
  if (started.kind === 'started') return started.job;
  throw new UserError('No node can be launched.', exitCodes.blocked);
}

/** `zone=subnet,…`. */
export const zonesOf = (settings: ControlEnv): readonly string[] =>
  settings.BALLAST_SUBNETS.split(',').map((pair) => pair.split('=')[0]!);
