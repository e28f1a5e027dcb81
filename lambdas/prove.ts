import { s3Archive } from '../lib/aws/archive.ts';
import { jobHandler } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { prove } from '../lib/control/prove.ts';

export const handler = jobHandler({ archive: s3Archive, nodes: agentNodes }, prove);
