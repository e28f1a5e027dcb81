import { type JobView, viewJobs } from '../../lib/cli/look/job-view.ts';
import { addressOf, type NodeWithBeat, readNodes } from '../../lib/control/fleet.ts';
import { readJob } from '../../lib/control/jobs.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { jobId } from '../../lib/core/ids.ts';
import { type LocalStore, until } from './local-store.ts';

/**
 * As an operator slows moves, so that those of `leaving` take so long; each node says that it obeys. A commit comes
 * every 2.5 s, so what lies in between lasts for seconds.
 */
export async function slowMoves(
  store: LocalStore,
  ports: Ports,
  { beat }: NodeWithBeat,
  seconds: number,
): Promise<void> {
  const rate = Math.ceil(beat!.usedBytes / seconds);
  await store.json('throttle', 'set', 'fixed', '--rate', `${rate}`);
  await until('every node to obey', 20, async () => {
    const nodes = await readNodes(ports.tables);
    const told = await Promise.all(nodes.map((node) => ports.nodes.stats(addressOf(node))));
    return told.every(
      ({ throttle, backgroundRate }) => throttle === 'fixed' && backgroundRate <= rate,
    );
  });
}

export const freeMoves = (store: LocalStore): Promise<unknown> =>
  store.json('throttle', 'set', 'none');

/** The job once more than this share of its moves are done, and more are in flight. */
export const underWay = (ports: Ports, job: string, share: number): Promise<JobView> =>
  until(`more than ${share} of the moves to be done, and more in flight`, 40, async () => {
    const record = await readJob(ports.tables, jobId(job));
    const [view] = await viewJobs(ports.tables, record === undefined ? [] : [record], Date.now());
    const isSoFar = view !== undefined && view.movesDone > share * view.movesPlanned;
    return isSoFar && view.movesInFlight > 0 && view;
  });
