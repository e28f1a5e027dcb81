import { functionPorts } from '../lib/aws/function-ports.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { planJob } from '../lib/control/plan-job.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({});

export const handler = (event: unknown) => planJob(ports, jobId(JobInput.parse(event).job));
