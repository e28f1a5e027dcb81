import type { ChunkId } from '../core/ids.ts';
import type { SimNode } from './node.ts';

/** Told of every change on a disk, after it. */
export interface DiskWatcher {
  stored(node: SimNode, chunk: ChunkId): void;
  unlinked(node: SimNode, chunk: ChunkId): void;
  /** A power cut, a lost disk or rot took copies: not the protocol's fault. */
  damaged(node: SimNode, chunks: readonly ChunkId[]): void;
  /** A power cut brought back what was durable. */
  powerCut(node: SimNode, chunks: readonly ChunkId[]): void;
}
