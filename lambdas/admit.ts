import { jobHandler } from '../lib/aws/function-ports.ts';
import { admit } from '../lib/control/admit.ts';

export const handler = jobHandler({}, admit);
