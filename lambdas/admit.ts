import { functionPorts } from '../lib/aws/function-ports.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { admit } from '../lib/control/admit.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({});

export const handler = (event: unknown) => admit(ports, jobId(JobInput.parse(event).job));
