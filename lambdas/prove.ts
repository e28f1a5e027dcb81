import { s3Archive } from '../lib/aws/archive.ts';
import { stepHandler } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { prove } from '../lib/control/prove.ts';

export const handler = stepHandler({ archive: s3Archive, nodes: agentNodes }, prove);
