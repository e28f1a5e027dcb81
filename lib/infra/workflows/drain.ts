import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import { movesLoop } from './moves-loop.ts';
import type { Steps } from './steps.ts';

/**
 * Drain and scale-in: admit → grace → clients leave → moves until nothing is left → proof → terminate.
 * No edge leads to Terminate but from a proof.
 */
export function drainWorkflow(steps: Steps): IChainable {
  const admit = steps.task('admit');
  const connections = steps.task('connections');
  const prove = steps.task('prove');
  const terminate = steps.task('terminate');
  const plan = movesLoop(steps, prove);
  const cancelled = steps.ending('cancelled');
  steps.after(admit, 'admit', {
    go: steps.waitThen('Grace', connections),
    blocked: steps.ending('blocked'),
    cancelled,
  });
  steps.after(connections, 'connections', {
    idle: plan,
    busy: steps.waitThen('WaitForClients', connections),
    cancelled,
  });
  steps.after(prove, 'prove', {
    proved: terminate,
    held: steps.waitThen('WaitAfterHeld', plan),
    cancelled,
  });
  steps.after(terminate, 'terminate', {
    gone: steps.ending('done'),
    waiting: steps.waitThen('WaitToTerminate', terminate),
    cancelled,
  });
  return admit;
}
