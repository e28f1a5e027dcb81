/**
 * What moves cost by public list prices (prices.ts) and by what was counted over drains of 2,000 and 10,000
 * chunks (docs/cost.md, `test/bench/cost.ts`): a share for each move, each batch and the job.
 */
import {
  dollarsPerCrossZoneByte,
  dollarsPerGbSecond,
  dollarsPerQueueCall,
  dollarsPerReadUnit,
  dollarsPerRun,
  dollarsPerTransition,
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

const callsPerJob = 75;
const callsPerBatch = 16;
const callsPerCommit = 1.8;
const movesPerCommit = 32;
const writeUnitsPerMove = 2.56;
const writeUnitsPerBatch = 41;
const readUnitsPerMove = 5.3;
const transitionsPerJob = 75;
const queueCallsPerBatch = 3;
/** The migration function's memory; one run a batch is the dearest that it gets. */
const migrateGb = 0.5;

export function costOfMoves({ moves, batches, batchSeconds, bytesCrossZone }: Moved): MoveCost {
  const jobs = moves > 0 ? 1 : 0;
  const commits = Math.max(batches, Math.ceil(moves / movesPerCommit));
  const writeUnits = moves * writeUnitsPerMove + batches * writeUnitsPerBatch;
  const dollarsRequests =
    writeUnits * dollarsPerWriteUnit +
    moves * readUnitsPerMove * dollarsPerReadUnit +
    batches * (queueCallsPerBatch * dollarsPerQueueCall + dollarsPerRun) +
    jobs * transitionsPerJob * dollarsPerTransition;
  const dollarsCompute = batchSeconds * migrateGb * dollarsPerGbSecond;
  const dollarsCrossZone = bytesCrossZone * dollarsPerCrossZoneByte;
  return {
    calls: Math.round(jobs * callsPerJob + batches * callsPerBatch + commits * callsPerCommit),
    dollarsRequests,
    dollarsCompute,
    dollarsCrossZone,
    dollars: dollarsRequests + dollarsCompute + dollarsCrossZone,
  };
}
