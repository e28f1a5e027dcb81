import { holdAllKey, holdZoneKey, jobKey, type Key } from '../contract/keys.ts';
import type { JobId, Zone } from '../core/ids.ts';
import { readJob } from './jobs.ts';
import type { Ports } from './ports.ts';
import { writeKnown } from './write-known.ts';

/** What is paused: everything, one job, or the planned moves from and to one zone (repairs go on). */
export type PauseScope = 'all' | { readonly job: JobId } | { readonly zone: Zone };

/**
 * Pauses or resumes: while paused nothing more of the scope is sent; what is in flight ends. Again is
 * harmless. Scopes do not know of each other: a job that is resumed stays held while all is.
 *
 * @param reason shown to whoever asks why nothing moves
 * @returns `unknown` for a job that does not run
 */
export async function setPaused(
  ports: Ports,
  scope: PauseScope,
  paused: boolean,
  reason: string,
): Promise<'set' | 'unknown'> {
  ports.log(paused ? 'paused' : 'resumed', { scope, reason });
  if (scope !== 'all' && 'job' in scope) return setJobPaused(ports, scope.job, paused);
  await setHold(ports, scope === 'all' ? holdAllKey : holdZoneKey(scope.zone), paused, reason);
  return 'set';
}

async function setHold(ports: Ports, key: Key, paused: boolean, reason: string): Promise<void> {
  // What is held already keeps its first reason and moment.
  await ports.tables.write([
    paused
      ? { op: 'put', key, fields: { reason, since: ports.now() }, when: 'absent' }
      : { op: 'delete', key },
  ]);
}

async function setJobPaused(ports: Ports, id: JobId, paused: boolean): Promise<'set' | 'unknown'> {
  const job = await readJob(ports.tables, id);
  if (job?.state !== 'running') return 'unknown';
  if (job.paused === paused) return 'set';
  const operation = ports.newId();
  const set = { paused, pausedAt: paused ? ports.now() : 0, lastOp: operation };
  const op = { op: 'update', key: jobKey(id), set, when: { state: 'running' } } as const;
  return (await writeKnown(ports.tables, [op], operation)) === 'committed' ? 'set' : 'unknown';
}
