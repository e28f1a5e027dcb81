import { previewDrain, startDrain } from '../../control/jobs.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import type { Plan } from '../../core/plan.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted } from '../text.ts';
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
    if (options.dryRun) return preview(nodes, await previewDrain(ports, nodes));
    const started = await startDrain(ports, nodes, ['asked for by an operator']);
    return answerStarted(context, ports, started, options);
  });

function preview(nodes: readonly NodeId[], plan: Plan): Answer {
  if (plan.blocks.length > 0) throw blockedError(plan.blocks);
  const { bytesTotal, bytesMinimum, blocks, moves } = plan;
  return {
    document: { nodes, movesTotal: moves.length, bytesTotal, bytesMinimum, blocks },
    text: () =>
      `Draining ${nodes.join(', ')} would move ${counted(moves.length, 'slot')}, ${formatBytes(bytesTotal)}; nothing was moved.`,
  };
}
