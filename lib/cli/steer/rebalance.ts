import { readFleet } from '../../control/fleet.ts';
import { startRebalance } from '../../control/jobs.ts';
import { mapOf } from '../../control/observe.ts';
import type { Ports } from '../../control/ports.ts';
import type { Plan } from '../../core/plan.ts';
import { planRebalance } from '../../core/rebalance.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted, formatDuration } from '../text.ts';
import { answerStarted, type Waiting } from './started.ts';

export interface RebalanceOptions extends Waiting {
  readonly yes?: true;
}

/** Shows what levelling the fleet would move, and moves it once somebody says yes. */
export const rebalance = (context: Context, options: RebalanceOptions): Promise<Answer> =>
  withStore(context, async (ports) => {
    const plan = await previewRebalance(ports);
    const shown = describePlan(ports, plan);
    if (plan.moves.length === 0) return { document: documentOf(plan), text: () => shown };
    const agreed = options.yes ?? (await context.io.confirm(`${shown} Start?`));
    if (agreed) {
      const started = await startRebalance(ports, ['asked for by an operator']);
      return answerStarted(context, ports, started, options);
    }
    return {
      document: documentOf(plan),
      text: () => `${shown} Nothing was moved: --yes starts it.`,
    };
  });

async function previewRebalance(ports: Ports): Promise<Plan> {
  const fleet = await readFleet(ports.tables);
  const active = fleet.filter(({ state }) => state === 'active').map(({ id }) => id);
  const { fillHard, rebalanceBand, heatAware } = ports.policy;
  return planRebalance(await mapOf(ports, fleet, active), { fillHard, rebalanceBand, heatAware });
}

const documentOf = ({ moves, bytesTotal, bytesMinimum, blocks }: Plan) => ({
  movesTotal: moves.length,
  bytesTotal,
  bytesMinimum,
  blocks,
});

function describePlan(ports: Ports, { moves, bytesTotal }: Plan): string {
  if (moves.length === 0) return 'Every node is within the band: nothing to move.';
  const ms = makespanAtLeastMs(moves, ports.policy.nodeRateBytes);
  return `A rebalance would move ${counted(moves.length, 'slot')}, ${formatBytes(bytesTotal)}, in ${formatDuration(ms)} at best.`;
}

/** The node with most to send or to take bounds the time: all others work beside it. */
function makespanAtLeastMs(moves: Plan['moves'], bytesPerSecond: number): number {
  const ends = new Map<string, number>();
  for (const { from, to, bytes } of moves) {
    for (const end of [`out ${from}`, `in ${to}`]) ends.set(end, (ends.get(end) ?? 0) + bytes);
  }
  return (Math.max(...ends.values()) / bytesPerSecond) * 1_000;
}
