import { functionPorts } from '../lib/aws/function-ports.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { pace } from '../lib/control/pace.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({ queues: sqsQueues });

export const handler = (event: unknown) => pace(ports, jobId(JobInput.parse(event).job));
