import type { Context, SQSEvent } from 'aws-lambda';
import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { eachRecord } from '../lib/aws/queue-event.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { BatchMessage } from '../lib/contract/messages.ts';
import { migrate, type WorkerLimits } from '../lib/control/migrate.ts';
import type { Ports } from '../lib/control/ports.ts';

const ports = functionPorts({ nodes: agentNodes, queues: sqsQueues });

interface Delivered {
  readonly message: BatchMessage;
  readonly limits: WorkerLimits;
}
const carry = underPolicy(ports, (current: Ports, { message, limits }: Delivered) =>
  migrate(current, message, limits),
);

export const handler = (event: SQSEvent, context: Context) => {
  const limits = { remainingMs: () => context.getRemainingTimeInMillis() };
  return eachRecord(event, ports.log, async (body) =>
    carry({ message: BatchMessage.parse(body), limits }),
  );
};
