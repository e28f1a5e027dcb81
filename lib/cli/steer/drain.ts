import { previewDrain, startDrain } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import type { Plan } from '../../core/plan.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
import { viewPlan } from './plan-view.ts';
import { answerStarted, blockedError, type Waiting } from './started.ts';

export interface DrainOptions extends Waiting {
  readonly dryRun?: true;
}

/** Moves everything off these nodes, together, and terminates them; or says why not. */
export const drain = (
  context: Context,
  names: readonly string[],
  options: DrainOptions,
): Promise<Answer> =>
  withStore(context, async (ports) => {
    const nodes = [...new Set(names)].map(nodeId);
    if (options.dryRun) return preview(ports, nodes, await previewDrain(ports, nodes));
    const started = await startDrain(ports, nodes, ['asked for by an operator']);
    return answerStarted(context, ports, started, options);
  });

/** What draining these nodes would do. @throws UserError with what stands against it */
export async function preview(ports: Ports, nodes: readonly NodeId[], plan: Plan): Promise<Answer> {
  if (plan.blocks.length > 0) throw blockedError(plan.blocks);
  const view = await viewPlan(ports, plan);
  return {
    document: { nodes, ...view },
    text: () =>
      `Draining ${nodes.join(', ')} would move ${counted(view.movesTotal, 'slot')}, ${formatBytes(view.bytesTotal)}; nothing was moved.`,
  };
}
