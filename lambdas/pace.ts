import { jobHandler } from '../lib/aws/function-ports.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { pace } from '../lib/control/pace.ts';

export const handler = jobHandler({ queues: sqsQueues }, pace);
