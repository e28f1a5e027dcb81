import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { StepTask } from './step-task.ts';
import type { Steps } from './steps.ts';

/**
 * Plans and paces until a plan says that nothing is left, then goes on with `none`. What the plan finds is
 * read anew each time, so the loop needs no counter and may be entered at any point.
 */
export function movesLoop(steps: Steps, none: IChainable): StepTask {
  const plan = steps.task('plan');
  const pace = steps.task('pace');
  steps.after(plan, 'plan', {
    moves: pace,
    none,
    blocked: steps.waitThen('WaitToPlan', plan),
    cancelled: steps.ending('cancelled'),
  });
  steps.after(pace, 'pace', {
    pending: steps.waitThen('WaitToPace', pace),
    settled: plan,
    cancelled: steps.ending('cancelled'),
  });
  return plan;
}
