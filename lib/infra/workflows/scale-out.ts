import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import { movesLoop } from './moves-loop.ts';
import type { Steps } from './steps.ts';

/** Launch → join → level the fleet over the new nodes. */
export function scaleOutWorkflow(steps: Steps): IChainable {
  const launch = steps.task('launch');
  const join = steps.task('join');
  const cancelled = steps.ending('cancelled');
  steps.after(launch, 'launch', { launched: join, cancelled });
  steps.after(join, 'join', {
    joined: movesLoop(steps, steps.ending('done')),
    waiting: steps.waitThen('WaitToJoin', join),
    failed: steps.failure('NoNodeJoined', 'no node of this job joined within the limit'),
    cancelled,
  });
  return launch;
}
