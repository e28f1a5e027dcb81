import { assert } from '../core/assert.ts';

/** Bounds of the node agent, each with its reason. */

/** The longest chunk (design.md: 64 MiB). */
export const chunkBytesMax = 64 * 2 ** 20;

/** A body that names chunks: 8,000 capabilities of 450 characters each are 3.6 MB (contract/agent.ts). */
export const requestBytesMax = 4 * 2 ** 20;
export const chunksPerRequestMax = 1_000;

/** Bytes gathered before a write: fewer trips to the thread pool than a socket's 64 KiB reads. */
export const writeBytes = 512 * 1024;
/** Bytes a read takes from a chunk's file; two buffers of it per open GET of a large chunk. */
export const readBytes = 256 * 1024;

/** Chunks that one pull copies at once, and pulls at once: the pacer starts at most 5 batches a node. */
export const lanesPerPull = 16;
export const pullsMax = 8;
/** 8 pulls × 16 lanes × 512 KiB are 64 MiB. */
assert(pullsMax * lanesPerPull * writeBytes <= 64 * 2 ** 20, 'running pulls fit a small node');

/**
 * Copies of migrations that sync or read back at once: half of the 32 threads that the unit gives to
 * libuv, so that a client's write never waits for a thread behind them.
 */
export const backgroundSyncsMax = 16;

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

export const inventoryPageMax = 10_000;
export const inventoryPageDefault = 1_000;
