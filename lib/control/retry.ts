import { nodeId } from '../core/ids.ts';
import { readFleet } from './fleet.ts';
import type { Job } from './jobs.ts';
import type { Ports } from './ports.ts';
import { damagedOf } from './scrub.ts';
import {
  type DrainWish,
  type Started,
  startDrain,
  startRebalance,
  startRepair,
  startScaleOut,
} from './start-job.ts';

/**
 * Asks again for what a job that has ended was for: a new job plans from the placement as it is now, so what
 * the old one got done is not done twice.
 */
export async function retryJob(ports: Ports, job: Job): Promise<Started> {
  const reasons = [`job ${job.id} ended ${job.state}`];
  const fleet = await readFleet(ports.tables);
  const nodes = job.nodes.map(nodeId);
  const present = nodes.filter((id) => fleet.some((node) => node.id === id));
  switch (job.kind) {
    case 'drain':
    case 'scale-in':
      // Where none is left, that is what it is blocked by.
      return startDrain(ports, present.length > 0 ? present : nodes, reasons, wishOf(ports, job));
    case 'repair':
      return startRepair(ports, present, reasons, damagedOf(job));
    case 'rebalance':
      return startRebalance(ports, reasons);
    case 'scale-out': {
      const joined = fleet.some(({ id, state }) => nodes.includes(id) && state === 'active');
      // Nodes that joined stay: what is left is to fill them.
      return joined ? startRebalance(ports, reasons) : launchAgain(ports, job, reasons);
    }
  }
}

const launchAgain = (
  ports: Ports,
  { launch, launchClass, launchType }: Job,
  reasons: readonly string[],
): Promise<Started> => startScaleOut(ports, launch, reasons, launchClass, launchType);

/** A deadline that has passed is nobody's wish any more. */
const wishOf = (ports: Ports, { deadline, priority }: Job): DrainWish => ({
  priority,
  ...(deadline > ports.now() && { deadline }),
});
