import { readFleet } from '../../control/fleet.ts';
import { readHeat } from '../../control/heat.ts';
import { mapOf } from '../../control/observe.ts';
import type { Ports } from '../../control/ports.ts';
import { startRebalance } from '../../control/start-job.ts';
import type { Plan } from '../../core/plan.ts';
import { planRebalance } from '../../core/rebalance.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted, formatDuration } from '../text.ts';
import { fillTable, type PlanView, viewPlan } from './plan-view.ts';
import { answerStarted, type Waiting } from './started.ts';

export interface RebalanceOptions extends Waiting {
  readonly yes?: true;
}

/** Shows what levelling the fleet would move, and moves it once somebody says yes. */
export const rebalance = (context: Context, options: RebalanceOptions): Promise<Answer> =>
  withStore(context, async (ports) => {
    const plan = await viewPlan(ports, await previewRebalance(ports));
    const shown = describePlan(plan);
    if (plan.movesTotal === 0) return { document: plan, text: () => shown };
    const agreed = options.yes ?? (await context.io.confirm(`${shown} Start?`));
    if (agreed) {
      const started = await startRebalance(ports, ['asked for by an operator']);
      return answerStarted(context, ports, started, options);
    }
    return {
      document: plan,
      text: () => `${fillTable(plan)}\n${shown} Nothing was moved: --yes starts it.`,
    };
  });

async function previewRebalance(ports: Ports): Promise<Plan> {
  const fleet = await readFleet(ports.tables);
  const active = fleet.filter(({ state }) => state === 'active').map(({ id }) => id);
  const { fillHard, rebalanceBand, heatAware } = ports.policy;
  const heat = heatAware ? await readHeat(ports, fleet) : new Map();
  const map = await mapOf(ports, fleet, active, heat);
  return planRebalance(map, { fillHard, rebalanceBand, heatAware });
}

function describePlan({ movesTotal, bytesTotal, secondsAtBest }: PlanView): string {
  if (movesTotal === 0) return 'Every node is within the band: nothing to move.';
  return `A rebalance would move ${counted(movesTotal, 'slot')}, ${formatBytes(bytesTotal)}, in ${formatDuration(secondsAtBest * 1_000)} at best.`;
}
