import { eventBridge } from '../lib/aws/events.ts';
import { functionPorts } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { FinishInput } from '../lib/contract/messages.ts';
import { finish } from '../lib/control/finish.ts';

const ports = functionPorts({ machines: ec2Machines, events: eventBridge });

export const handler = async (event: unknown) => finish(ports, FinishInput.parse(event));
