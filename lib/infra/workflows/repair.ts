import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import { movesLoop } from './moves-loop.ts';
import type { Steps } from './steps.ts';

/** Copies anew, the most endangered chunks first, until every chunk has its copies. */
export const repairWorkflow = (steps: Steps): IChainable => movesLoop(steps, steps.ending('done'));
