import { type DrainCost, drainCost, type Shape } from '../support/drain-cost.ts';
import { prices } from './prices.ts';

/** Memory of the function that carries batches, GB; the workflow's steps have more and run for a moment. */
const migrateGb = 0.25;
const stepGbSeconds = 0.3;
/** A node gives this to migration by default, bytes a second; a run carries the batches of so many nodes. */
const nodeRate = 100e6;

export interface MoveCost {
  readonly cost: DrainCost;
  readonly callsPerMove: number;
  /** Dollars a million moves: requests, then the functions' time when a run serves one node, or two. */
  readonly requests: Readonly<Record<string, number>>;
  readonly requestsTotal: number;
  readonly computeAlone: number;
  readonly computeShared: number;
  /** Were every move across zones. */
  readonly ifAcrossZones: number;
}

/** What a million moves of this shape cost, from the calls and units that one drain took. */
export async function costOfMoves(shape: Shape): Promise<MoveCost> {
  const cost = await drainCost(shape);
  const million = (count: number, dollars: number) => (count / cost.moves) * dollars;
  const requests = {
    'DynamoDB writes': million(cost.writeUnits, prices.writeUnits),
    'DynamoDB reads': million(cost.readUnits, prices.readUnits),
    SQS: million(cost.queueCalls, prices.queueCalls),
    'Step Functions': million(cost.transitions, prices.transitions),
    'Lambda requests': million(cost.runs, prices.runs),
  };
  const steps = million(cost.transitions / 3, stepGbSeconds * prices.gbSecond * 1e6);
  const carrying = (shape.chunkBytes / nodeRate) * migrateGb * prices.gbSecond * 1e6;
  return {
    cost,
    callsPerMove: cost.callsAll / cost.moves,
    requests,
    requestsTotal: Object.values(requests).reduce((sum, dollars) => sum + dollars, 0),
    computeAlone: steps + carrying,
    computeShared: steps + carrying / 2,
    ifAcrossZones: (shape.chunkBytes / 1e9) * prices.crossZoneGb * 1e6,
  };
}
