import type { NodeId, Zone } from './ids.ts';

/**
 * Rendezvous hashing with weights (Schindelhauer and Schomaker 2005): an exponential race with rate
 * `weight`, the highest score wins. The chance to win is the share of the weights, and when a contender
 * comes or goes, only what it wins or had won changes hands.
 */
export const rendezvousScore = (seed: string, contender: NodeId | Zone, weight: number): number =>
  Math.max(weight, 1) / -Math.log(chanceOf(`${seed}\n${contender}`));

/** FNV-1a, then Murmur3's finish, as a number strictly between 0 and 1. */
function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
