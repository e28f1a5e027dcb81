import type { PullEvent, Receipt } from '../contract/agent.ts';
import { NodeRefused, type PullChunk } from '../control/ports.ts';

export type PullFailure = (PullEvent & { event: 'failed' })['reason'];

export const failed = ({ chunk }: PullChunk, reason: PullFailure): PullEvent => ({
  event: 'failed',
  chunk,
  reason,
  message: reason,
});

/** How a pull's own write ended. */
export function eventOf(wanted: PullChunk, result: () => Receipt): PullEvent {
  try {
    return { event: 'received', receipt: result() };
  } catch (error) {
    if (!(error instanceof NodeRefused)) throw error;
    return failed(wanted, error.reason === 'full' ? 'full' : 'below-fence');
  }
}
