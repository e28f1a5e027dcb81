import { eventBridge } from '../lib/aws/events.ts';
import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { FinishInput } from '../lib/contract/messages.ts';
import { finish } from '../lib/control/finish.ts';

const end = underPolicy(functionPorts({ machines: ec2Machines, events: eventBridge }), finish);

export const handler = async (event: unknown) => end(FinishInput.parse(event));
