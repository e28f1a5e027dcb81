/** The second level of a plan: the slots that make up the flows. */
import type { Draft } from './draft.ts';
import type { Flow } from './flows.ts';
import { inWindows, slotsOf } from './slots-by-node.ts';

/** A flow with the bytes that it may still carry. */
interface Channel {
  readonly to: number;
  left: number;
}

/**
 * Fills each flow with slots of its giver, larger ones first so that small ones fill the gaps, and never
 * above its bytes: what no slot is small enough for stays.
 */
export function realiseFlows(
  draft: Draft,
  flows: readonly Flow[],
  mayGive: (slot: number) => boolean,
): void {
  const byGiver = Map.groupBy(flows, ({ from }) => from);
  for (const window of inWindows(draft.fleet, [...byGiver.keys()])) {
    for (const [at, giver] of window.nodes.entries()) {
      const channels = byGiver.get(giver)!.map(({ to, bytes }) => ({ to, left: bytes }));
      fill(draft, channels, slotsOf(window, at), mayGive);
    }
  }
}

function fill(
  draft: Draft,
  channels: Channel[],
  slots: Int32Array,
  mayGive: (slot: number) => boolean,
): void {
  let tooLarge = Number.POSITIVE_INFINITY;
  for (const slot of slots) {
    const size = draft.bytesOf(slot);
    if (size >= tooLarge || draft.hasMoved(slot) || !mayGive(slot)) continue;
    const wide = channels.filter(({ left }) => left >= size);
    const channel = wide.find(({ to }) => draft.takes(slot, to));
    if (wide.length === 0) tooLarge = size;
    if (channel === undefined) continue;
    draft.move(slot, channel.to);
    channel.left -= size;
  }
}
