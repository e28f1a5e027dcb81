import { assert } from './assert.ts';

/** Bounds of the pure layer, each with its reason. Those that depend on each other are asserted below. */

/**
 * A node is never filled past this share of its capacity by a plan or a write: parked copies, temporary
 * files and the agent's own records need the rest (5 % of an 8 TB node is 400 GB, about 6,000 chunks).
 */
export const fillHardMax = 0.95;

/** Half-width of the band around the mean: after a rebalance no fill is above 1.005 of the mean. */
export const rebalanceBandDefault = 0.005;

/** A node's heat is level within this share of what it should be. */
export const heatBandDefault = 0.05;

/**
 * Slots of a node that heat levelling looks at: the hottest, and a quarter as many of the coldest of each size.
 * Where accesses are skewed these carry most of its heat; where they are not, heat is level as it is.
 */
export const heatSlotsMax = 512;

/** Partners that a hot node is tried with: each takes what it lacks, so a few are enough. */
export const heatPartnersMax = 32;

/** Blocks of one kind that a plan lists: enough to see the pattern; totals are in `zone-lacks-room`. */
export const blocksListedMax = 8;

/** Violations that a check lists: a broken plan of a million moves need not print a million lines. */
export const violationsMax = 1_000;

/** Nodes and zones of one fleet: 65,535 fit the 16-bit zone index; a plan walks zones for every slot. */
export const nodesMax = 65_535;
export const zonesMax = 64;

/** Slots of one chunk: an erasure code over 255 shards is the limit of its field, GF(256). */
export const slotsPerChunkMax = 255;

/** Slots of one fleet map: 100 million take 12 bytes each in typed arrays, 1.2 GB. */
export const slotsMax = 100_000_000;

/** A line of a snapshot: 255 holders with ids of 64 bytes are 17 KB; four times that is never sane. */
export const lineBytesMax = 65_536;

/** Batches in flight at one node, each way: 5 × 20 MB/s fill the 100 MB/s that a node gives by default. */
export const batchesInFlightPerNodeMax = 5;

/** Batches in flight in the fleet: 1,000 Lambdas run at once by default; half are left to the rest. */
export const batchesInFlightMax = 500;

/** A node's default budget for migration, and the least that a batch is started with (bytes/s). */
export const nodeRateDefault = 100e6;
export const batchRateMin = 10e6;

assert(
  batchesInFlightPerNodeMax * batchRateMin <= nodeRateDefault,
  'a node can give every batch in flight its least rate',
);
