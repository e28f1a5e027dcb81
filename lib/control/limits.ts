import { assert } from '../core/assert.ts';
import { opsMax } from './ports.ts';

/** Chunks that one commit moves: one op each, and inventory list, guard, outbox row, flight. */
export const chunksPerCommit = 96;
assert(chunksPerCommit + 4 <= opsMax, 'a commit of moves fits one transaction');

/** Moves in a batch: three commits. A batch costs about fifteen calls, so 0.05 a move (docs/decisions/0004). */
export const movesPerBatch = 3 * chunksPerCommit;
/**
 * Bytes in a batch: 64 of the largest chunks, so that their batch's own writes are a third of a unit each. At
 * 20 MB/s, a fifth of a node's rate, it takes under four minutes of the fifteen that a function has.
 */
export const bytesPerBatch = 4 * 2 ** 30;
/**
 * Towards the end of a node's moves batches shrink to this, so that none of them is late alone: three seconds of a
 * node's rate. A node of 8 TB has 120 batches more for it than its 2,000; jobs of small chunks, whose batches are full by their count, cost no call more.
 */
export const bytesPerLastBatch = 256 * 2 ** 20;
/** How moves are grouped into batches. */
export const batchLimits = {
  movesMax: movesPerBatch,
  bytesMax: bytesPerBatch,
  bytesLast: bytesPerLastBatch,
};

/** Silent flights sent again by one pacing: after an outage of a queue hundreds come back in minutes. */
export const resendsPerPacing = 19;
/** Batches sent by one pacing: two ops each, beside the flights sent again and the generation. */
export const startsPerPacing = Math.floor((opsMax - 1 - resendsPerPacing) / 2);

/** Nodes of one notice that one transaction marks, beside the job and the event: the rest follows. */
export const nodesPerNotice = opsMax - 2;
/** Tries against others that write the same records while a notice is heeded. */
export const noticeTriesMax = 5;
/** Parked copies that one transaction names again: placement, and an outbox row of its own at worst. */
export const chunksPerRestore = Math.floor((opsMax - 5) / 2);
/** Parked copies read back in one request: a disk that gives 2.5 MB/s answers within its 30 seconds. */
export const bytesPerRenewal = 64 * 2 ** 20;
/** A sweep restores for so long, then leaves the rest to the next: it has minutes in all. */
export const restoreMsMax = 30_000;

/**
 * Bytes of damaged copies that one look reads itself before it has them repaired, eight of the largest: seconds of
 * the minutes that the watch has. The next look goes on.
 */
export const bytesPerMend = 512 * 2 ** 20;
/** A slot that a repair named is not named again for so long after that repair ended, however it did. */
export const mendAgainMs = 3_600_000;

/** Rows of a node's outbox that fill a request of their own; fewer wait for those of other nodes. */
export const rowsPerWrite = 25;

/** Nodes asked for their heat at a time: 10,000 nodes at 20 ms each take three seconds. */
export const heatAsksMax = 64;
/** A plan asks for heat for so long, a twentieth of what its step may take, and goes on with what it was told. */
export const heatMsMax = 15_000;
/**
 * Chunks whose heat a plan keeps, at 150 bytes 75 MB: 10,000 of each of 50 nodes; of each of 1,000 nodes 500, about
 * as many as levelling looks at (`heatSlotsMax`).
 */
export const heatsMax = 500_000;

/** Files whose records one transaction deletes, with one row of trash. */
export const filesPerRemoval = opsMax - 1;

/**
 * Chunks of the files that one transaction removes, of several files at least: some 160 bytes each, in the record that
 * goes and in the row of the trash, and a transaction may touch 4 MB of items.
 */
export const chunksPerRemoval = 20_000;

/** A chunk id is 64 characters: so many in one row stay under a tenth of an item's 400 KB. */
export const chunksPerTrashRow = 500;
export const chunksPerList = 500;

/**
 * Chunks that one piece of a manifest names: 1.8 MB, 1.2 TiB of the largest chunks. Emptying it takes some 220
 * transactions and as many reads, seconds of a sweep's minutes.
 */
export const chunksPerManifest = 20_000;
/** Pieces of a file's manifest: 400,000 chunks, 24 TiB of the largest. */
export const manifestsPerFileMax = 20;
// A long upload ends its intents, puts its file, and makes what that replaces trash: a row a piece each.
assert(2 * manifestsPerFileMax + 1 <= opsMax, 'a file of manifests replaces another in one write');

/** Tries to replace a file that others replace at the same time. */
export const replacesMax = 8;

/** A file is stored and committed in so long: the intent of one with many chunks keeps them from the sweeper. */
export const uploadMs = 24 * 3_600_000;

/**
 * Tombstones, nodes that are gone, and jobs and batches that are over stay readable for so long: longer than
 * any client's transaction lives.
 */
export const tombstoneSeconds = 30 * 24 * 3_600;
/** Two months of history: a month can be replayed, and compared with the one before. */
export const historySeconds = 62 * 24 * 3_600;
/** A copy that no placement names is an orphan only after so long: a day for its file's upload, and an hour. */
export const orphanAgeMs = uploadMs + 3_600_000;
