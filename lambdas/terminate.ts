import { stepHandler } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { terminate } from '../lib/control/terminate.ts';

export const handler = stepHandler({ machines: ec2Machines }, terminate);
