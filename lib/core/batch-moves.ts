import type { NodeId } from './ids.ts';
import type { Move } from './plan.ts';

/** Moves with one source and one destination: they are sent, leased and committed together. */
export interface MoveGroup {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: number;
  readonly moves: readonly Move[];
}

interface OpenGroup extends MoveGroup {
  readonly moves: Move[];
  bytes: number;
  readonly bytesMax: number;
}

/** How large a group may be: a slot that is larger makes one of its own. */
export interface GroupLimits {
  readonly movesMax: number;
  /** @default no limit */
  readonly bytesMax?: number;
  /** Towards the end of a node's moves its groups become smaller, down to this. @default not smaller */
  readonly bytesLast?: number;
  /** The moves' sources are dead: what is left there bounds nothing. @default false */
  readonly isLost?: boolean;
}

/**
 * Of what is left at a node, a group takes this share at most: five flights work there at once, so when
 * any of them starts, a sixth of the rest is in the air and the last ones are small (guided
 * self-scheduling, Polychronopoulos and Kuck 1987).
 */
const shareOfRest = 1 / 30;

/** Groups a plan's moves by their two nodes, in the plan's order. */
export function groupMoves(moves: readonly Move[], limits: GroupLimits): MoveGroup[] {
  const groups: OpenGroup[] = [];
  const open = new Map<string, OpenGroup>();
  const rest = new Rest(moves);
  for (const move of moves) {
    const key = `${move.from}\n${move.to}`;
    let group = open.get(key);
    if (group === undefined || isFull(group, move, limits)) {
      const bytesMax = largest(rest.at(move, limits), limits);
      group = { from: move.from, to: move.to, bytes: 0, moves: [], bytesMax };
      groups.push(group);
      open.set(key, group);
    }
    group.bytes += move.bytes;
    group.moves.push(move);
    rest.take(move);
  }
  return groups.map(({ bytesMax: _, ...group }) => group);
}

const isFull = (group: OpenGroup, move: Move, { movesMax }: GroupLimits): boolean =>
  group.moves.length >= movesMax || group.bytes + move.bytes > group.bytesMax;

function largest(rest: number, { bytesMax = Number.POSITIVE_INFINITY, bytesLast }: GroupLimits) {
  if (bytesLast === undefined) return bytesMax;
  return Math.min(bytesMax, Math.max(bytesLast, rest * shareOfRest));
}

/** Bytes that are in no group yet, by node and direction. */
class Rest {
  readonly #out = new Map<NodeId, number>();
  readonly #in = new Map<NodeId, number>();

  constructor(moves: readonly Move[]) {
    for (const move of moves) this.#add(move, move.bytes);
  }

  take(move: Move): void {
    this.#add(move, -move.bytes);
  }

  /** At the busier end. */
  at({ from, to }: Move, { isLost = false }: GroupLimits): number {
    return Math.max(isLost ? 0 : this.#out.get(from)!, this.#in.get(to)!);
  }

  #add({ from, to }: Move, bytes: number): void {
    this.#out.set(from, (this.#out.get(from) ?? 0) + bytes);
    this.#in.set(to, (this.#in.get(to) ?? 0) + bytes);
  }
}
