import { jobHandler } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { planJob } from '../lib/control/plan-job.ts';

export const handler = jobHandler({ nodes: agentNodes }, planJob);
