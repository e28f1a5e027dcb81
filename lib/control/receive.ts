import type { PullEvent, Receipt } from '../contract/agent.ts';
import { chunkId } from '../core/ids.ts';
import { slotSha256 } from './chunks.ts';
import { fenceOff } from './collect.ts';
import type { Carried, Due } from './commit-moves.ts';
import type { NodeView } from './fleet.ts';
import { chunksPerCommit } from './limits.ts';
import type { paceAfter } from './pace.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { isCoded } from './supply.ts';

/** What a worker is given besides its batch. */
export interface WorkerLimits {
  /** It stops in good time. */
  remainingMs(): number;
  /** Paces once its batch has ended: batches that share a process may share that. @default {@link paceAfter} */
  readonly paceAfter?: typeof paceAfter;
}

/** A worker that has less time left than this starts nothing more: a commit and the end of the batch fit. */
export const remainingMsMin = 10_000;
/** A commit shows life: a slow batch has so many in the time after which silence counts as death. */
const commitsPerLimit = 2;
export const nothingCarried: Carried = { moves: 0, bytes: 0, failures: [] };

export interface Pull {
  readonly pulled: AsyncIterable<PullEvent>;
  readonly due: readonly Due[];
  readonly to: NodeView;
}

/** Commits in groups while more arrives; what arrived is committed even when the pull breaks. */
export async function commitAsReceived(
  ports: Ports,
  { pulled, due, to }: Pull,
  commit: (group: readonly Due[]) => Promise<Carried | 'superseded'>,
  limits: WorkerLimits,
): Promise<Carried | 'superseded'> {
  let total = nothingCarried;
  const waiting: Due[] = [];
  let committedAt = ports.now();
  try {
    for await (const event of pulled) {
      await liftIfFenced(ports, event, due);
      const failure = note(event, due, to, waiting);
      if (failure !== undefined) total = plus(total, { ...nothingCarried, failures: [failure] });
      const late = ports.now() - committedAt >= ports.policy.flightLimitMs / commitsPerLimit;
      if (waiting.length >= chunksPerCommit || (waiting.length > 0 && late)) {
        const outcome = await commit(waiting.splice(0, chunksPerCommit));
        if (outcome === 'superseded') return outcome;
        total = plus(total, outcome);
        committedAt = ports.now();
      }
      if (limits.remainingMs() < remainingMsMin) break;
    }
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    total = plus(total, { ...nothingCarried, failures: [error.message] });
  }
  while (waiting.length > 0) {
    const outcome = await commit(waiting.splice(0, chunksPerCommit));
    if (outcome === 'superseded') return outcome;
    total = plus(total, outcome);
  }
  return total;
}

export const plus = (left: Carried, right: Carried): Carried => ({
  moves: left.moves + right.moves,
  bytes: left.bytes + right.bytes,
  failures: [...left.failures, ...right.failures],
});

/**
 * Another shard of the chunk reached the destination under the same reading of the placement, and its mover
 * may be dead: under the next version this one can follow it, and that one's commit fails.
 */
async function liftIfFenced(ports: Ports, event: PullEvent, due: readonly Due[]): Promise<void> {
  if (event.event !== 'failed' || event.reason !== 'below-fence') return;
  const fenced = due.find(({ move }) => move.chunk === event.chunk);
  if (fenced !== undefined && isCoded(fenced)) {
    await fenceOff(ports, chunkId(event.chunk), fenced.record);
  }
}

/** Puts what arrived among what waits for its commit. @returns why a chunk did not arrive, if so */
function note(
  event: PullEvent,
  due: readonly Due[],
  to: NodeView,
  waiting: Due[],
): string | undefined {
  if (event.event === 'progress') return undefined;
  if (event.event === 'failed') return `${event.chunk}: ${event.reason}: ${event.message}`;
  const match = due.find(({ move }) => move.chunk === event.receipt.chunk);
  if (match === undefined || waiting.includes(match)) return undefined;
  const fault = receiptFault(event.receipt, match, to);
  if (fault !== undefined) return `${event.receipt.chunk}: ${fault}`;
  waiting.push(match);
  return undefined;
}

/** A receipt counts only for the bytes and the epoch that were asked for, on the disk that joined. */
function receiptFault(receipt: Receipt, { move, record }: Due, to: NodeView): string | undefined {
  const sha256 = slotSha256(record, move.slot);
  if (receipt.sha256 !== sha256) return `received checksum ${receipt.sha256}, not ${sha256}`;
  if (receipt.epoch !== record.version + 1) return `received epoch ${receipt.epoch}`;
  if (receipt.incarnation !== to.incarnation) return `received on another disk of ${to.id}`;
  return undefined;
}
