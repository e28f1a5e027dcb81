import { stepHandler } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { join } from '../lib/control/join.ts';

export const handler = stepHandler({ machines: ec2Machines, nodes: agentNodes }, join);
