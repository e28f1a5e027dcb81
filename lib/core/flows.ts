/** The first level of a plan: how many bytes go from which node to which, before any slot is looked at. */

export interface Amount {
  readonly node: number;
  readonly bytes: number;
}

export interface Flow {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/**
 * Pairs what givers give with what takers take, each in its order, by the north-west corner rule: fewer
 * flows than givers and takers together, so that the moves of a plan have few pairs of nodes and batches
 * fill. What one side has more than the other stays out.
 */
export function flowsBetween(givers: readonly Amount[], takers: readonly Amount[]): Flow[] {
  const flows: Flow[] = [];
  let at = 0;
  let room = takers[0]?.bytes ?? 0;
  for (const giver of givers) {
    let left = giver.bytes;
    while (left > 0 && at < takers.length) {
      const bytes = Math.min(left, room);
      if (bytes > 0) flows.push({ from: giver.node, to: takers[at]!.node, bytes });
      left -= bytes;
      room -= bytes;
      if (room <= 0) room = takers[++at]?.bytes ?? 0;
    }
  }
  return flows;
}

export interface Vessel {
  readonly node: number;
  readonly capacity: number;
  readonly held: number;
}

/**
 * What each node takes so that the least filled are raised together to one level, no node above `fillMax`
 * of its capacity. Takes less than `bytes` if there is less room.
 */
export function pour(vessels: readonly Vessel[], bytes: number, fillMax: number): Amount[] {
  const fill = ({ held, capacity }: Vessel) => held / capacity;
  const sorted = vessels.toSorted((l, r) => fill(l) - fill(r) || l.node - r.node);
  let capacity = 0;
  let held = 0;
  let level = 0;
  for (const [at, vessel] of sorted.entries()) {
    capacity += vessel.capacity;
    held += vessel.held;
    level = Math.min(fillMax, (held + bytes) / capacity);
    const next = sorted[at + 1];
    if (next === undefined || level <= fill(next)) break;
  }
  return vessels.flatMap(({ node, ...vessel }) => {
    const taken = level * vessel.capacity - vessel.held;
    return taken > 0 ? [{ node, bytes: taken }] : [];
  });
}
