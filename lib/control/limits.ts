import { assert } from '../core/assert.ts';
import { opsMax } from './ports.ts';

/** Chunks that one commit moves: three ops each (chunk, inventory in, inventory out), and guard, outbox, flight. */
export const chunksPerCommit = 32;
assert(chunksPerCommit * 3 + 3 <= opsMax, 'a commit of moves fits one transaction');

/** Moves in a batch: three commits. A batch costs about ten calls, so 0.1 a move (docs/decisions/0004). */
export const movesPerBatch = 3 * chunksPerCommit;
/** Bytes in a batch, unless one slot alone is larger: at 10 MB/s it ends in half a minute. */
export const bytesPerBatch = 256 * 2 ** 20;
/**
 * Towards the end of a node's moves batches shrink to this, so that none of them is late alone: 64 MiB are
 * two thirds of a second of a node's rate, and jobs of small chunks, whose batches are full at 96 moves,
 * cost no call more.
 */
export const bytesPerLastBatch = 64 * 2 ** 20;
/** How moves are grouped into batches. */
export const batchLimits = {
  movesMax: movesPerBatch,
  bytesMax: bytesPerBatch,
  bytesLast: bytesPerLastBatch,
};
/** At least one commit in so long, so that slow batches of large chunks show life. */
export const commitEveryMs = 5_000;

/** Silent flights sent again by one pacing: after an outage of a queue hundreds come back in minutes. */
export const resendsPerPacing = 19;
/** Batches sent by one pacing: two ops each, beside the flights sent again and the generation. */
export const startsPerPacing = Math.floor((opsMax - 1 - resendsPerPacing) / 2);

/** Files whose records one transaction deletes, with one row of trash. */
export const filesPerRemoval = opsMax - 1;

/** A chunk id is 64 characters: so many in one row stay under a tenth of an item's 400 KB. */
export const chunksPerTrashRow = 500;

/**
 * A chunk takes 81 bytes of its file's record: 5,000 (312 GiB) are 405 KB of the 409.6 KB that an item may
 * have; the rest is for a path of 1 KB and the other fields.
 */
export const chunksPerFileMax = 5_000;

/** The intent of a long upload keeps its chunks from the sweeper for so long. */
export const uploadMs = 24 * 3_600_000;

/**
 * Tombstones, nodes that are gone, and jobs and batches that are over stay readable for so long: longer than
 * any client's transaction lives.
 */
export const tombstoneSeconds = 30 * 24 * 3_600;
/** A copy that no placement names is an orphan only after so long: an upload may still be under way. */
export const orphanAgeMs = 3_600_000;
