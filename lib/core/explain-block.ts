import type { Block } from './plan.ts';
import { formatBytes, formatLength } from './units.ts';

/** The block as one sentence for people: what is in the way, and by how much. */
export function explainBlock(block: Block): string {
  switch (block.kind) {
    case 'no-node-fits':
      return (
        `chunk ${block.chunk} (${formatBytes(block.bytes)}) on ${block.from} fits on no other ` +
        `node of ${block.zones.join(', ')}`
      );
    case 'too-few-holders':
      return `chunk ${block.chunk} has ${block.live} live holders and needs ${block.needed}`;
    case 'zone-lacks-room':
      return (
        `zone ${block.zone} must take ${formatBytes(block.neededBytes)} and has room for ` +
        `${formatBytes(block.roomBytes)}: ${block.slots} slots find no node`
      );
    case 'last-node-of-zone':
      return `no active node would stay in zone ${block.zone} without ${block.node}`;
    case 'wrong-state':
      return `node ${block.node} is ${block.state}, not active or draining`;
    case 'unknown-node':
      return `there is no node ${block.node}`;
    case 'too-late':
      return (
        `the moves take ${formatLength(block.p50Ms)} (P50) to ${formatLength(block.p90Ms)} (P90), ` +
        `and the deadline is in ${formatLength(block.availableMs)}`
      );
  }
}
