import { readFleet } from '../../control/fleet.ts';
import type { Ports } from '../../control/ports.ts';
import type { Block, Move, Plan } from '../../core/plan.ts';
import { formatBytes } from '../../core/units.ts';
import { usedAfter } from '../../core/used-after.ts';
import { formatShare, table } from '../text.ts';

/** A node before and after a plan; without parked copies, which go once their time is over. */
export interface FillView {
  readonly node: string;
  readonly zone: string;
  readonly state: string;
  readonly capacityBytes: number;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** What a plan would do, before anybody says yes. */
export interface PlanView {
  readonly movesTotal: number;
  readonly bytesTotal: number;
  readonly bytesMinimum: number;
  readonly blocks: readonly Block[];
  /** No execution within the budgets of nodes is quicker. */
  readonly secondsAtBest: number;
  readonly fill: readonly FillView[];
}

export async function viewPlan(ports: Ports, plan: Plan): Promise<PlanView> {
  const { moves, bytesTotal, bytesMinimum, blocks } = plan;
  const fleet = await readFleet(ports.tables);
  const used = new Map(fleet.map(({ id, beat }) => [id, beat?.usedBytes ?? 0]));
  const after = usedAfter(used, moves);
  const fill = fleet.map(({ id, zone, state, capacity }) => ({
    ...{ node: id, zone, state, capacityBytes: capacity },
    ...{ beforeBytes: used.get(id)!, afterBytes: after.get(id)! },
  }));
  const secondsAtBest = Math.ceil(secondsAtLeast(moves, ports.policy.nodeRateBytes));
  return { movesTotal: moves.length, bytesTotal, bytesMinimum, blocks, secondsAtBest, fill };
}

/** The node with most to send or to take bounds the time: all others work beside it. */
function secondsAtLeast(moves: readonly Move[], bytesPerSecond: number): number {
  const ends = new Map<string, number>();
  for (const { from, to, bytes } of moves) {
    for (const end of [`out ${from}`, `in ${to}`]) ends.set(end, (ends.get(end) ?? 0) + bytes);
  }
  return Math.max(0, ...ends.values()) / bytesPerSecond;
}

/** Nodes that the plan changes, one a line. */
export function fillTable({ fill }: PlanView): string {
  const changed = fill.filter(({ beforeBytes, afterBytes }) => beforeBytes !== afterBytes);
  const rows = changed.map(({ node, zone, capacityBytes, beforeBytes, afterBytes }) => [
    node,
    zone,
    formatBytes(beforeBytes),
    formatShare(beforeBytes / capacityBytes),
    formatBytes(afterBytes),
    formatShare(afterBytes / capacityBytes),
  ]);
  return table(['NODE', 'ZONE', 'BEFORE', '', 'AFTER', ''], rows);
}
