import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { parseNotice } from '../lib/aws/notice.ts';
import { stepFunctions } from '../lib/aws/workflows.ts';
import { heed } from '../lib/control/urgency.ts';

const ports = functionPorts({ machines: ec2Machines, workflows: stepFunctions });
const heedIt = underPolicy(ports, heed);

/** AWS's notice that a machine or a zone is about to go. */
export const handler = async (event: unknown) => {
  const notice = parseNotice(event);
  return notice === undefined ? [] : heedIt(notice);
};
