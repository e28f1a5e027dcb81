import type { DamagedCopy, Stats } from '../contract/agent.ts';
import type { SimNode } from './node.ts';

/** What a node says of itself: its load is nobody's concern here. */
export const statsOf = ({ id, birth, incarnation, disk, connections }: SimNode): Stats => ({
  node: id,
  instance: birth.instance,
  zone: birth.zone,
  incarnation,
  usedBytes: disk.used,
  capacityBytes: disk.capacity,
  chunks: disk.held().length,
  connections,
  cpu: 0.1,
  memory: 0.1,
  ioWait: 0,
  p99Ms: 5,
  foregroundIn: 0,
  foregroundOut: 0,
  backgroundIn: 0,
  backgroundOut: 0,
  throttle: 'none',
  throttleReason: 'no throttle',
  backgroundRate: 0,
  backgroundFactor: 1,
  objectiveMs: null,
  diskSuspect: false,
  damaged: disk.damaged().length,
  scrubbedAt: 0,
  scrubShare: 0,
});

/** What its scrub finds, at once: how long that takes is nobody's concern here either. */
export function damagedOn(
  { disk }: SimNode,
  after: string,
  limit: number,
): { damaged: DamagedCopy[]; next?: string } {
  const chunks = disk.damaged().filter((chunk) => chunk > after);
  const damaged = chunks.slice(0, limit).map((chunk): DamagedCopy => {
    const { slot, epoch } = disk.shelf(chunk)!.copy!;
    return { chunk, slot, epoch, reason: 'checksum' };
  });
  return chunks.length > limit ? { damaged, next: chunks[limit - 1]! } : { damaged };
}
