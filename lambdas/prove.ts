import { s3Archive } from '../lib/aws/archive.ts';
import { functionPorts } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { JobInput } from '../lib/contract/messages.ts';
import { prove } from '../lib/control/prove.ts';
import { jobId } from '../lib/core/ids.ts';

const ports = functionPorts({ archive: s3Archive, nodes: agentNodes });

export const handler = (event: unknown) => prove(ports, jobId(JobInput.parse(event).job));
