/**
 * What a node decides on its own disk, per chunk. Every PUT carries the epoch that its commit will make
 * (the placement version it read, plus one) and durably raises the chunk's fence to it before the
 * receipt; a DELETE carries the version that its sender read and is refused below the fence. The fence
 * outlives the delete. So a delete that stalls while the chunk comes back to the node finds a higher
 * fence and destroys nothing (docs/decisions/0003).
 */
export interface Shelf {
  /** Highest epoch that a PUT of this chunk has raised here. */
  readonly fence: number;
  /** Whether the chunk's bytes are held; `false` is a tombstone. */
  readonly held: boolean;
  /** SHA-256 of the held bytes if the PUT at the fence brought them. */
  readonly sha256?: string | undefined;
}

export type PutVerdict = 'store' | 'below-fence';
export type DeleteVerdict = 'unlink' | 'absent' | 'below-fence';
export type RenewalVerdict = 'renew' | 'absent' | 'below-fence';

/**
 * A PUT at the fence itself stores if it brings the same bytes: it is the same PUT again. Other bytes are
 * another shard of the chunk, sent under the same reading of the placement: only one of the two can be
 * committed, and it may be the one that is here.
 */
export function judgePut(shelf: Shelf | undefined, epoch: number, sha256: string): PutVerdict {
  if (shelf === undefined || epoch > shelf.fence) return 'store';
  const isOther = shelf.held && shelf.sha256 !== undefined && shelf.sha256 !== sha256;
  return epoch < shelf.fence || isOther ? 'below-fence' : 'store';
}

/**
 * A renewal is a PUT of the bytes that are there already: it raises the fence before a commit names the
 * copy again, so that no delete which is still under way for it takes effect. Which bytes are there is for
 * their checksum to say.
 */
export function judgeRenewal(shelf: Shelf | undefined, epoch: number): RenewalVerdict {
  if (shelf === undefined || !shelf.held) return 'absent';
  return epoch < shelf.fence ? 'below-fence' : 'renew';
}

export function judgeDelete(shelf: Shelf | undefined, version: number): DeleteVerdict {
  if (shelf === undefined) return 'absent';
  if (version < shelf.fence) return 'below-fence';
  return shelf.held ? 'unlink' : 'absent';
}
