import { functionPorts } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { terminate } from '../lib/control/terminate.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({ machines: ec2Machines });

export const handler = (event: unknown) => terminate(ports, jobId(JobInput.parse(event).job));
