import { nodeId } from '../core/ids.ts';
import { readFleet } from './fleet.ts';
import {
  type Job,
  type Started,
  startDrain,
  startRebalance,
  startRepair,
  startScaleOut,
} from './jobs.ts';
import type { Ports } from './ports.ts';

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
      return startDrain(ports, present, reasons);
    case 'repair':
      return startRepair(ports, present, reasons);
    case 'rebalance':
      return startRebalance(ports, reasons);
    case 'scale-out': {
      const joined = fleet.some(({ id, state }) => nodes.includes(id) && state === 'active');
      // Nodes that joined stay: what is left is to fill them.
      return joined ? startRebalance(ports, reasons) : startScaleOut(ports, job.launch, reasons);
    }
  }
}
