import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A directory tree of `count` files, some empty, `bytesMax` at most each, the same bytes in every run. */
export function writeTree(directory: string, count: number, bytesMax: number): void {
  for (let i = 0; i < count; i++) {
    const below = join(directory, `d${i % 7}`, i % 3 === 0 ? 'deep er' : '');
    mkdirSync(below, { recursive: true });
    writeFileSync(
      join(below, `file ${i}`),
      bytesOf(`${i}`, Math.floor((bytesMax * (i % 16)) / 15)),
    );
  }
}

function bytesOf(seed: string, length: number): Buffer {
  const block = createHash('sha512').update(seed).digest();
  return Buffer.alloc(length, block);
}
