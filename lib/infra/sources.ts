import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root: sources are bundled from here. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Fingerprint of everything that may end in a bundle. Assets carry it as their hash, so that a synth of
 * unchanged sources finds them in its output directory and bundles nothing.
 */
export function hashOf(patterns: readonly string[], salt: string): string {
  const hash = createHash('sha256').update(salt);
  for (const file of globSync([...patterns], { cwd: root }).sort()) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** Versions of what is bundled from packages. */
export const lockFile = 'package-lock.json';
