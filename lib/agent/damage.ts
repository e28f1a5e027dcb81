import type { DamagedCopy } from '../contract/agent.ts';
import { exhausted } from './disk-health.ts';
import { checksumOnDisk, type Paced } from './read-back.ts';
import type { Copy } from './shelves.ts';

export interface Damage {
  /** As the shelves have it: one that arrives later is another object. */
  readonly copy: Copy;
  readonly reason: DamagedCopy['reason'];
}

/**
 * What is wrong with the file of `copy`, if anything is. A disk that does not give it is damage like other bytes.
 * @throws what `paced` throws, and what says that the process, not the disk, is out of something
 */
export async function damageIn(
  path: string,
  { sha256 }: Copy,
  paced?: Paced,
): Promise<Damage['reason'] | undefined> {
  try {
    return (await checksumOnDisk(path, paced)) === sha256 ? undefined : 'checksum';
  } catch (error) {
    if (!isOfDisk(error as NodeJS.ErrnoException)) throw error;
    return 'unreadable';
  }
}

const isOfDisk = ({ code }: NodeJS.ErrnoException): boolean =>
  typeof code === 'string' && !exhausted.includes(code);
