import { jobHandler } from '../lib/aws/function-ports.ts';
import { planJob } from '../lib/control/plan-job.ts';

export const handler = jobHandler({}, planJob);
