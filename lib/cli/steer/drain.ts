import { answerDrain, type DrainAnswer } from '../../control/answer-drain.ts';
import type { Ports } from '../../control/ports.ts';
import { startDrain } from '../../control/start-job.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import { formatBytes, formatLength } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import type { Moment } from '../numbers.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';
import { viewPlan } from './plan-view.ts';
import { answerStarted, blockedError, type Waiting } from './started.ts';

export interface DrainOptions extends Waiting {
  readonly dryRun?: true;
  readonly deadline?: Moment;
}

/**
 * Moves everything off these nodes, together, and terminates them; or says why not and what would have to
 * give. With a deadline it answers before a byte moves.
 */
export const drain = (
  context: Context,
  names: readonly string[],
  options: DrainOptions,
): Promise<Answer> =>
  withStore(context, async (ports) => {
    const nodes = [...new Set(names)].map(nodeId);
    const deadline = deadlineOf(options, ports.now());
    if (!options.dryRun && deadline === 0) {
      return answerStarted(context, ports, await startDrain(ports, nodes, [asked]), options, nodes);
    }
    const answer = await answerDrain(ports, nodes, deadline);
    if (answer.blocks.length > 0) throw blockedError(answer, nodes);
    if (options.dryRun) return preview(ports, nodes, answer, deadline);
    const started = await startDrain(ports, nodes, [asked], { deadline });
    const told = await answerStarted(context, ports, started, options, nodes);
    return {
      ...told,
      document: { ...(told.document as object), ...estimateIn(answer, deadline) },
      text: () => `${told.text()} ${expected(answer, deadline)}`,
    };
  });

const asked = 'asked for by an operator';

function deadlineOf({ deadline }: DrainOptions, now: number): number {
  if (deadline === undefined) return 0;
  const at = deadline(now);
  if (at > now) return at;
  throw new UserError(`The deadline ${new Date(at).toISOString()} has passed.`);
}

/** How long the moves take. Milliseconds; the deadline is ISO 8601, null for none. */
export interface EstimateInView {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly boundMs: number;
  /** Jobs of the past. */
  readonly learnedFrom: number;
  readonly deadline: string | null;
}

const estimateIn = ({ estimate }: DrainAnswer, deadline: number): EstimateInView => ({
  p50Ms: estimate.p50Ms,
  p90Ms: estimate.p90Ms,
  boundMs: Math.round(estimate.boundMs),
  learnedFrom: estimate.learnedFrom,
  deadline: deadline === 0 ? null : new Date(deadline).toISOString(),
});

const expected = ({ estimate }: DrainAnswer, deadline: number): string =>
  `Its moves take ${formatLength(estimate.p50Ms)} (P50) to ${formatLength(estimate.p90Ms)} (P90)${
    deadline === 0 ? '' : `: in time for ${new Date(deadline).toISOString()}`
  }.`;

/** What draining these nodes would do, and how long it would take. @throws UserError when it is refused */
export async function preview(
  ports: Ports,
  nodes: readonly NodeId[],
  answer: DrainAnswer,
  deadline = 0,
): Promise<Answer> {
  if (answer.blocks.length > 0) throw blockedError(answer, nodes);
  const view = await viewPlan(ports, answer.plan);
  return {
    document: { nodes, ...view, ...estimateIn(answer, deadline) },
    text: () =>
      `Draining ${nodes.join(', ')} would move ${counted(view.movesTotal, 'slot')}, ${formatBytes(view.bytesTotal)}; nothing was moved. ${expected(answer, deadline)}`,
  };
}
