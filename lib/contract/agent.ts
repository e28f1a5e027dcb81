import * as z from 'zod/mini';

/**
 * The node agent's HTTP interface, version 1. Every request carries `authorization: Bearer <capability>`
 * (contract/capability.ts) and `x-ballast-protocol: 1`; `/healthz` alone needs none.
 *
 * PUT    /chunks/{id}?slot&epoch&sha256   body = bytes, content-length set  → 201 Receipt
 * GET    /chunks/{id}                     → 200 bytes (Range allowed)       | 404
 * HEAD   /chunks/{id}                     → 200 with content-length         | 404
 * DELETE /chunks/{id}?version             → 200 Removal
 * POST   /removals                        RemovalRequest → 200 Removal[]    (subject = SHA-256 of the body)
 * POST   /renewals                        RenewalRequest → 200 Renewal[]    (subject = SHA-256 of the body)
 * POST   /pulls                           PullRequest → 200 NDJSON of PullEvent (subject = SHA-256 of the body)
 * GET    /inventory?after&limit           → 200 NDJSON of Held, ordered by chunk id
 * GET    /heat?limit                      → 200 NDJSON of ChunkHeat, hottest first
 * GET    /damaged?after&limit             → 200 NDJSON of DamagedCopy, ordered by chunk id
 * GET    /stats                           → 200 Stats
 * POST   /connections/close               → 200 Closed
 * GET    /healthz                         → 200 Health
 *
 * Errors: 400 malformed, 401 no or bad capability, 403 capability for something else, 404 not held,
 * 409 below the fence, 411 no length, 413 over 64 MiB, 422 bytes do not match their checksum,
 * 503 stopping or suspect disk, 507 full. Body: {"error": kind, "message": sentence}.
 */
export const protocolVersion = 1;
export const chunkIdPattern = /^[a-f0-9]{64}$/;
export const agentPortDefault = 7070;

/** Nodes that one pull reads from. */
export const sourcesPerPullMax = 255;
/** Read capabilities in one pull, of 450 characters each with what they are for: 3.6 MB of a body's 4 MiB. */
export const readsPerPullMax = 8_000;

const sha256 = z.string().check(z.regex(chunkIdPattern));
const count = z.number().check(z.nonnegative());

/** The bytes and the fence are durable on this disk. */
export const Receipt = z.object({
  chunk: sha256,
  slot: count,
  size: count,
  sha256,
  epoch: count,
  incarnation: z.string(),
});
export type Receipt = z.infer<typeof Receipt>;

export const RemovalRequest = z.object({
  removals: z.array(z.object({ chunk: sha256, version: count })),
});
export type RemovalRequest = z.infer<typeof RemovalRequest>;
export const Removal = z.object({
  chunk: sha256,
  outcome: z.enum(['unlink', 'absent', 'below-fence']),
});
export type Removal = z.infer<typeof Removal>;

/** How an erasure-coded slot is made of `data` others: any of `shards`, in order of preference. */
export const RebuildRequest = z.object({
  data: count,
  parity: count,
  when: z.enum(['first', 'copy-failed']),
  shards: z.array(
    z.object({
      slot: count,
      /** Index in the request's `sources`. */
      source: count,
      /** Of this shard's bytes. */
      sha256,
      read: z.string(),
    }),
  ),
});
export type RebuildRequest = z.infer<typeof RebuildRequest>;
/** Copies that are held shall be named again: each is read back, and its fence rises to `epoch`. */
export const RenewalRequest = z.object({
  renewals: z.array(z.object({ chunk: sha256, slot: count, sha256, epoch: count })),
});
export type RenewalRequest = z.infer<typeof RenewalRequest>;
export const Renewal = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('renewed'), receipt: Receipt }),
  z.object({
    outcome: z.literal('refused'),
    chunk: sha256,
    reason: z.enum(['not-held', 'below-fence', 'checksum', 'disk']),
  }),
]);
export type Renewal = z.infer<typeof Renewal>;

/** Open foreground requests that were cut off. */
export const Closed = z.object({ closed: count });
export type Closed = z.infer<typeof Closed>;

export const PullRequest = z.object({
  /** Where each copy may be read, in order of preference: a node's `host:port` from the fleet list. */
  sources: z.array(z.object({ node: z.string(), address: z.string() })),
  chunks: z.array(
    z.object({
      chunk: sha256,
      slot: count,
      size: count,
      sha256,
      /** The placement version that was read, plus one. */
      epoch: count,
      /**
       * A `read` capability for each source of these very bytes, in the order of `sources`; `null` for the
       * others.
       */
      reads: z.array(z.nullable(z.string())),
      rebuild: z.optional(RebuildRequest),
    }),
  ),
  /** Bytes a second for the whole pull; 0 holds it. */
  rate: count,
});
export type PullRequest = z.infer<typeof PullRequest>;

export const PullEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('progress'), bytes: count }),
  z.object({ event: z.literal('received'), receipt: Receipt }),
  z.object({
    event: z.literal('failed'),
    chunk: sha256,
    reason: z.enum([
      'source-lacks-it',
      'source-unreachable',
      'checksum',
      'full',
      'below-fence',
      'disk',
      'stopping',
    ]),
    message: z.string(),
  }),
]);
export type PullEvent = z.infer<typeof PullEvent>;

export const Held = z.object({
  chunk: sha256,
  slot: count,
  size: count,
  epoch: count,
  sha256,
  /** Milliseconds since the copy was written or its fence last rose, by the node's own clock. */
  ageMs: count,
});
export type Held = z.infer<typeof Held>;

/** A copy that the node holds and that is not what it promised: found by its scrub, read twice. */
export const DamagedCopy = z.object({
  chunk: sha256,
  slot: count,
  epoch: count,
  /** Its bytes do not match their checksum, or the disk does not give them. */
  reason: z.enum(['checksum', 'unreadable']),
});
export type DamagedCopy = z.infer<typeof DamagedCopy>;

/** How often clients read a chunk here of late; a restart begins anew. */
export const ChunkHeat = z.object({
  chunk: sha256,
  /** Accesses an hour, exponentially decayed (core/heat.ts). */
  heat: count,
});
export type ChunkHeat = z.infer<typeof ChunkHeat>;

export const Stats = z.object({
  node: z.string(),
  instance: z.string(),
  zone: z.string(),
  incarnation: z.string(),
  usedBytes: count,
  capacityBytes: count,
  chunks: count,
  /** Open foreground requests. */
  connections: count,
  /** Shares of 1; `null` where the platform does not tell. */
  cpu: z.nullable(count),
  memory: z.nullable(count),
  ioWait: z.nullable(count),
  /** Foreground requests of the last window. */
  p99Ms: z.nullable(count),
  /** Bytes a second, last window: clients' and migrations', in and out. */
  foregroundIn: count,
  foregroundOut: count,
  backgroundIn: count,
  backgroundOut: count,
  /** What holds migration back here (policy `throttle`), and why; nodes of before say nothing. */
  throttle: z._default(z.string(), ''),
  throttleReason: z._default(z.string(), ''),
  /** Bytes a second that migration may use now, each way, and the share of the node's rate that it is. */
  backgroundRate: z._default(count, 0),
  backgroundFactor: z._default(count, 0),
  /** `null` where the throttle does not look at clients' latency. */
  objectiveMs: z._default(z.nullable(count), null),
  diskSuspect: z.boolean(),
  /** Copies that are held and damaged, as far as the scrub has read. */
  damaged: z._default(count, 0),
  /** When the scrub had last read every copy, epoch milliseconds by the node's clock; 0: not yet. */
  scrubbedAt: z._default(count, 0),
  /** The share of the copies that its pass has read. */
  scrubShare: z._default(count, 0),
});
export type Stats = z.infer<typeof Stats>;

export const Health = z.object({
  ok: z.boolean(),
  node: z.string(),
  instance: z.string(),
  incarnation: z.string(),
  protocol: count,
  capacityBytes: count,
});
export type Health = z.infer<typeof Health>;
