/** Bounds of the file client, each with its reason. */

/** A chunk (contract/agent.ts refuses more): larger files are cut. */
export const chunkBytesMax = 64 * 2 ** 20;

/**
 * Files whose records share one transaction: a file of one chunk takes two ops, and its holders, which the group
 * shares, an inventory list and a guard each: 47 files take all 100.
 */
export const groupFilesMax = 47;
/** Bytes of one such group: its copies are three times that, and wait together for one commit. */
export const groupBytesMax = 8 * 2 ** 20;

/**
 * Groups or large files under way: commits wait for the disk most of their time, so several overlap. Three groups of
 * 47 files put 423 copies at once: twice as many take a busy machine longer to connect than a connection may.
 */
export const groupsInFlightMax = 3;

/** Bytes of files held in memory at once: two whole chunks. */
export const memoryBytesMax = 2 * chunkBytesMax;

/** Files read back at once: each waits for one node at a time. */
export const readsInFlightMax = 16;
/** Placements that one call reads (DynamoDB: 100 items). */
export const placementsPerRead = 100;

/** A stored path in UTF-8: the longest sort key that DynamoDB takes. */
export const pathBytesMax = 1024;

/** System calls about files of one directory at once. */
export const statsInFlightMax = 32;

/** Tries to store a group, and the wait before each further one: 0.5, 1, 2, 4 s outlast a restart of a node. */
export const storeTriesMax = 5;
export const storeRetryMs = 500;

/** The client sees the fleet as it was so long ago at most; a commit is fenced all the same. */
export const fleetViewMs = 2_000;
