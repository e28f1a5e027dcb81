import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import { movesLoop } from './moves-loop.ts';
import type { Steps } from './steps.ts';

/** Moves until every node's fill lies within the band. */
export const rebalanceWorkflow = (steps: Steps): IChainable =>
  movesLoop(steps, steps.ending('done'));
