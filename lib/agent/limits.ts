import { assert } from '../core/assert.ts';

/** Bounds of the node agent, each with its reason. */

/** The longest chunk (design.md: 64 MiB). */
export const chunkBytesMax = 64 * 2 ** 20;

/** A body that names chunks: 8,000 capabilities of 450 characters each are 3.6 MB (contract/agent.ts). */
export const requestBytesMax = 4 * 2 ** 20;
export const chunksPerRequestMax = 1_000;

/** Bytes of clients gathered before a write: fewer trips to the thread pool than a socket's 64 KiB reads. */
export const writeBytes = 512 * 1024;
/** Bytes a read takes from a chunk's file; two buffers of it per open GET of a large chunk. */
export const readBytes = 256 * 1024;
/** Read buffers that wait to be used again: 16 MiB. */
export const readBuffersKeptMax = 64;

/**
 * A connection to a source has one buffer of so many bytes, and for a chunk that is longer another: of 8
 * pulls with 16 lanes 32 MiB, of 8 rebuilds from the 48 sources of the widest code 96 MiB.
 */
export const connectionBytes = 128 * 1024;
export const connectionsKeptMax = 8;

/** Chunks that one pull copies at once, and pulls at once: the pacer starts at most 5 batches a node. */
export const lanesPerPull = 16;
export const pullsMax = 8;
assert(
  2 * pullsMax * lanesPerPull * connectionBytes <= 32 * 2 ** 20,
  'the buffers of running pulls fit a small node',
);
/**
 * Bytes of chunks that one pull transfers at once: small chunks side by side, because each waits for an
 * answer, long ones one after the other. Many long ones side by side end together, and clients wait behind
 * them (decision 0016).
 */
export const pullBytesAtOnceMax = 2 ** 20;

/**
 * Bytes of copies of migrations that sync and are read back at once, at a node, and the copies: half of the 32
 * threads that the unit gives to libuv, so that a client's write never waits for a thread behind them.
 */
export const settlingBytesMax = 2 ** 20;
export const settlingMax = 16;

/**
 * Shards rebuilt at once. Each keeps a connection to all its sources open: so many leave most of the 32 to
 * one node to copies, which never wait for another connection while they hold one. It reads stripes of its
 * sources: 8 × 48 sources × 64 KiB are 24 MiB.
 */
export const rebuildsMax = 8;
export const stripeBytes = 64 * 1024;

/** A pull from one source: to connect, and to send the next bytes. */
export const connectMsMax = 3_000;
export const idleMsMax = 30_000;
/** What is read back in its place is paced for so long: the rest of {@link idleMsMax} is the disk's. */
export const renewalPacedMs = 5_000;
/** No function that could ask for a pull lives longer than a Lambda. */
export const pullMsMax = 15 * 60_000;

/** Progress lines: four a second while bytes come; one each five seconds so that the caller sees life. */
export const progressMs = 250;
export const aliveMs = 5_000;

/** Requests: their head, and all of them (64 MiB in five minutes is 224 KB/s). */
export const headMsMax = 10_000;
export const requestMsMax = 5 * 60_000;
/** A kept connection lives longer than a client waits before it uses it again. */
export const keptMsMax = 60_000;
export const connectionsMax = 4_096;

/** Running requests may end for so long after SIGTERM; who started us kills us after five seconds. */
export const stopMsMax = 4_500;

/** Records that share one sync, and one line, of the journal: 512 × 200 characters are 100 KB. */
export const recordsPerSyncMax = 512;
/** A line is never longer: replay needs no more memory than this for one. */
export const journalLineBytesMax = 2 ** 20;
/** The journal is written anew when more than half of its records are overtaken, not below so many. */
export const compactRecordsMin = 10_000;

/** Copies of a pass that are looked up at a time. */
export const scrubPageCopies = 256;
/** A copy that is shorter costs a pass as much as this: its file is opened as well as read. */
export const scrubBytesMin = 4 * 1024;
/** Damaged copies that are told of: 2 MB of memory. The next pass finds the others. */
export const damagedMax = 10_000;
/** Of these, those that are looked at again each hour, should a disk have erred for a while: 6.4 GB at most. */
export const reviewedMax = 100;
export const reviewMs = 3_600_000;
/** Those that outlive the process: 65 KB, once a minute at most. */
export const suspectsMax = 1_000;

export const inventoryPageMax = 10_000;
export const inventoryPageDefault = 1_000;
