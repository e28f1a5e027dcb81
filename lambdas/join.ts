import { functionPorts } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { join } from '../lib/control/join.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({ machines: ec2Machines, nodes: agentNodes });

export const handler = (event: unknown) => join(ports, jobId(JobInput.parse(event).job));
