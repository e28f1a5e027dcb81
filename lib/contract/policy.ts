import * as z from 'zod/mini';
import { schedulings } from '../core/scheduling-policies.ts';
import { throttles } from '../core/throttle-control.ts';
import { WritableRedundancy } from './redundancy.ts';

const share = z.number().check(z.minimum(0), z.maximum(1));
const count = z.number().check(z.nonnegative());

/** A machine that a launch may choose: EC2's name, bytes for chunks, list price with its volumes. */
export const NodeTypeSetting = z.object({
  type: z.string().check(z.minLength(1)),
  capacityBytes: z.number().check(z.positive()),
  dollarsPerHour: z.number().check(z.positive()),
});

/**
 * What operators set. Defaults are the reference design's numbers. Shares are of 1, lengths of time in
 * milliseconds, sizes in bytes.
 */
export const Policy = z.object({
  autoscaling: z._default(z.boolean(), true),
  /** Marks of the fullest zone's fill: above `fillHigh` grow, below `fillLow` shrink. */
  fillHigh: z._default(share, 0.8),
  fillLow: z._default(share, 0.3),
  fillTarget: z._default(share, 0.7),
  /** By forecast, a departure may leave its zone so full: between the target and the high mark. */
  fillSpare: z._default(share, 0.75),
  /** How long a mark is passed before it counts. */
  fillHighForMs: z._default(count, 60_000),
  fillLowForMs: z._default(count, 600_000),
  /** No plan fills a node beyond this. */
  fillHard: z._default(share, 0.95),
  nodesMin: z._default(count, 3),
  nodesMax: z._default(count, 100),
  /** Most nodes that one decision adds. */
  nodesStepMax: z._default(count, 4),
  /** Capacity of a node that a launch brings. */
  nodeCapacityBytes: count,
  /** An hour of such a node with its volumes (docs/cost.md). */
  nodeDollarsPerHour: z._default(z.number().check(z.positive()), 0.21),
  /** Types that a launch may choose from, by price; none: what the launch template has. */
  nodeTypes: z._default(z.array(NodeTypeSetting), []),
  /** From a decision to grow until the new nodes have taken their share: growth is foreseen so far. */
  leadMs: z._default(count, 3_600_000),
  /** A node goes only if the others are expected to do without it for so long. */
  spareForMs: z._default(count, 86_400_000),
  /** What zones hold is recorded so often (0: never); trends, forecasts and replays are made from it. */
  historyEveryMs: z._default(count, 600_000),
  cooldownOutMs: z._default(count, 300_000),
  cooldownInMs: z._default(count, 900_000),
  /** Above this share of nodes without a fresh heartbeat nothing scales. */
  unhealthyShareMax: z._default(share, 0.34),
  /** A node whose heartbeat stands still for so long is dead. */
  deadAfterMs: z._default(count, 180_000),
  joinLimitMs: z._default(count, 600_000),
  /** Drain: time for clients to go, then for their connections to end. */
  graceMs: z._default(count, 300_000),
  connectionsLimitMs: z._default(count, 300_000),
  /** A source copy stays readable for so long after the commit that retired it. */
  parkingMs: z._default(count, 900_000),
  /** Bytes a second of migration at a node, in and out each, and of one batch. */
  nodeRateBytes: z._default(count, 100_000_000),
  batchRateBytes: z._default(count, 10_000_000),
  /**
   * How migration gives way at a node, within its rate: `load` to CPU, memory and I/O wait, `latency` to
   * clients that wait, `fixed` never more than `throttleRateBytes`, `none` not at all.
   */
  throttle: z._default(z.enum(throttles), 'load'),
  /** `latency`: clients' objective (or 1.2 times what they have while nothing moves, if that is longer)… */
  latencyObjectiveMs: z._default(count, 20),
  /** …and the error budget: the share of requests that may miss it over so long. */
  latencyMissShareMax: z._default(z.number().check(z.minimum(0.0001), z.maximum(0.5)), 0.01),
  latencyBudgetMs: z._default(z.number().check(z.minimum(1_000), z.maximum(600_000)), 60_000),
  throttleRateBytes: z._default(count, 10_000_000),
  /** Nodes whose rate is another one than `nodeRateBytes`: bytes a second by node id. */
  nodeRates: z._default(z.record(z.string(), count), {}),
  /** Bytes a second from one zone to another, each direction on its own, and of the fleet. 0: no limit. */
  zonePairRateBytes: z._default(count, 0),
  fleetRateBytes: z._default(count, 0),
  /** Batches in flight at a node in and out each, from zone to zone (0: no limit), and in the fleet. */
  nodeBatchesMax: z._default(count, 5),
  zonePairBatchesMax: z._default(count, 0),
  fleetBatchesMax: z._default(count, 200),
  /** Moves of these batches. 0: no limit. */
  nodeMovesMax: z._default(count, 0),
  zonePairMovesMax: z._default(count, 0),
  fleetMovesMax: z._default(count, 0),
  /** Of a node's limits, kept free for critical batches where any of them wait or fly. */
  criticalShare: z._default(share, 0.2),
  /** What is sent first among what waits: repairs in any case, then by this rule. */
  scheduling: z._default(z.enum(schedulings), 'balanced'),
  /** A job of which nothing started for so long has the next turn, whatever else waits. */
  ageingMs: z._default(count, 900_000),
  /** Inside this share around its target a node's fill is left alone. */
  rebalanceBand: z._default(share, 0.05),
  /** A rebalance levels the accesses that nodes serve as well as their bytes. */
  heatAware: z._default(z.boolean(), false),
  /**
   * Days in which every copy on every node's disk is read once and compared with its checksum; 0: never, and
   * only readers find what rots.
   */
  scrubDays: z._default(z.number().check(z.minimum(0), z.maximum(365)), 14),
  /** A flight whose worker gives no sign of life for so long is sent again. */
  flightLimitMs: z._default(count, 120_000),
  /** How new chunks survive, unless their writer wants it otherwise. */
  redundancy: z._default(WritableRedundancy, { kind: 'replicated', copies: 3 }),
  /**
   * Chunks that a file's record names itself; the list of a longer file is a metadata chunk. A chunk takes 81
   * bytes of the record: 5,000 are 405 KB of the 409.6 KB that an item may have, the rest is for a path of 1 KB
   * and the other fields. Every KB of a record is a unit of each write of it.
   */
  chunksPerRecordMax: z._default(z.int().check(z.minimum(1), z.maximum(5_000)), 5_000),
  /**
   * Who takes a new or a homeless slot: the node with most room, or the holder that the chunk's id prefers
   * (`hash`: rendezvous weighted by capacity), which stays the same as long as the nodes do.
   */
  placement: z._default(z.enum(['roomiest', 'hash']), 'roomiest'),
  /** Dollars a GB between zones, both directions together: what a rebuilt shard is weighed against. */
  crossZonePricePerGB: z._default(count, 0.02),
  /** A machine that EC2 may take away soon, without saying when, shall be empty in so long. */
  softDeadlineMs: z._default(count, 3_600_000),
  /** A zone that AWS calls impaired is paused for so long at most, should the word of its end be lost. */
  zonePauseMsMax: z._default(count, 21_600_000),
});
export type Policy = z.infer<typeof Policy>;

/** How migration gives way at a node. */
export const ThrottleRecord = z.pick(Policy, {
  throttle: true,
  latencyObjectiveMs: true,
  latencyMissShareMax: true,
  latencyBudgetMs: true,
  throttleRateBytes: true,
});
export type ThrottleRecord = z.infer<typeof ThrottleRecord>;

/** The part that nodes are told. */
export const NodePolicy = z.extend(ThrottleRecord, z.pick(Policy, { scrubDays: true }).shape);
export type NodePolicy = z.infer<typeof NodePolicy>;
