import { functionPorts } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { connections } from '../lib/control/connections.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({ nodes: agentNodes });

export const handler = (event: unknown) => connections(ports, jobId(JobInput.parse(event).job));
