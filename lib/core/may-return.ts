import type { Redundancy } from './fleet.ts';
import type { Zone } from './ids.ts';

/**
 * May a slot of a chunk be named again on a node of zone `home`? As for any move, the zones that the chunk
 * spans do not become fewer, and no zone gets more than m shards of a stripe.
 *
 * @param zones by slot: its holder's zone; `undefined` where the holder does not serve
 */
export function mayReturn(
  zones: readonly (Zone | undefined)[],
  slot: number,
  home: Zone,
  redundancy: Redundancy,
): boolean {
  if (zones[slot] === home) return true;
  const after = zones.map((zone, at) => (at === slot ? home : zone));
  if (spanOf(after) < spanOf(zones)) return false;
  const atHome = after.filter((zone) => zone === home).length;
  return redundancy.kind === 'replicated' || atHome <= redundancy.parity;
}

const spanOf = (zones: readonly (Zone | undefined)[]): number =>
  new Set(zones.filter((zone) => zone !== undefined)).size;
