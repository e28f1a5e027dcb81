import { stepHandler } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { launch } from '../lib/control/launch.ts';

export const handler = stepHandler({ machines: ec2Machines }, launch);
