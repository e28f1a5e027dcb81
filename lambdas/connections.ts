import { stepHandler } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { connections } from '../lib/control/connections.ts';

export const handler = stepHandler({ nodes: agentNodes }, connections);
