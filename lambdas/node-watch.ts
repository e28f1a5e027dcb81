import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { ec2Machines } from '../lib/aws/machines.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { machineChanged } from '../lib/aws/notice.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { stepFunctions } from '../lib/aws/workflows.ts';
import { watchFor } from '../lib/control/watch.ts';

const look = underPolicy(
  functionPorts({
    nodes: agentNodes,
    machines: ec2Machines,
    workflows: stepFunctions,
    queues: sqsQueues,
  }),
  watchFor,
);

/** The schedule, or a change of an instance's state: what the event says is looked up again. */
export const handler = (event: unknown) => look(machineChanged(event));
