/**
 * What moves cost by public list prices (prices.ts) and the calls of a batch and a job that
 * docs/decisions/0004-batches-and-pacing.md counts.
 */
import {
  dollarsPerCrossZoneByte,
  dollarsPerGbSecond,
  dollarsPerQueueCall,
  dollarsPerReadUnit,
  dollarsPerRun,
  dollarsPerWriteUnit,
} from './prices.ts';

export interface Moved {
  readonly moves: number;
  readonly batches: number;
  /** Together, side by side or not: a function watches over each batch while it flies. */
  readonly batchSeconds: number;
  readonly bytesCrossZone: number;
}

export interface MoveCost {
  readonly calls: number;
  readonly dollarsRequests: number;
  readonly dollarsCompute: number;
  readonly dollarsCrossZone: number;
  readonly dollars: number;
}

const callsPerBatch = 11;
const callsPerJob = 150;
const queueCallsPerBatch = 3;
const movesPerCommit = 32;
/** Ops of a commit are chunk and two inventories a move, and guard, outbox, flight; transactions pay twice. */
const writeUnitsPerMove = 2 * 3;
const writeUnitsPerCommit = 2 * 3;
/** Its item (up to 10 KB) written and ended, what waits and what flies written and deleted, an outbox row swept. */
const writeUnitsPerBatch = 10;
/** Consistent reads of the placement, before the move and before the delete. */
const readUnitsPerMove = 2;
const migrateGb = 0.5;

export function costOfMoves({ moves, batches, batchSeconds, bytesCrossZone }: Moved): MoveCost {
  const commits = Math.max(batches, Math.ceil(moves / movesPerCommit));
  const writeUnits =
    moves * writeUnitsPerMove + commits * writeUnitsPerCommit + batches * writeUnitsPerBatch;
  const dollarsRequests =
    writeUnits * dollarsPerWriteUnit +
    moves * readUnitsPerMove * dollarsPerReadUnit +
    batches * (queueCallsPerBatch * dollarsPerQueueCall + dollarsPerRun);
  const dollarsCompute = batchSeconds * migrateGb * dollarsPerGbSecond;
  const dollarsCrossZone = bytesCrossZone * dollarsPerCrossZoneByte;
  return {
    calls: batches * callsPerBatch + (moves > 0 ? callsPerJob : 0),
    dollarsRequests,
    dollarsCompute,
    dollarsCrossZone,
    dollars: dollarsRequests + dollarsCompute + dollarsCrossZone,
  };
}
