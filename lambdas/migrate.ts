import type { Context, SQSEvent } from 'aws-lambda';
import { functionPorts } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { eachRecord } from '../lib/aws/queue-event.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { BatchMessage } from '../lib/contract/messages.ts';
import { migrate } from '../lib/control/migrate.ts';
import { oneAtATime } from '../lib/control/one-at-a-time.ts';
import { paceAfter } from '../lib/control/pace.ts';

const ports = functionPorts({ nodes: agentNodes, queues: sqsQueues });
const paceTogether = oneAtATime(paceAfter);

export const handler = (event: SQSEvent, context: Context) => {
  const remainingMs = () => context.getRemainingTimeInMillis();
  const limits = { remainingMs, paceAfter: paceTogether };
  return eachRecord(event, ports.log, async (body) =>
    migrate(ports, BatchMessage.parse(body), limits),
  );
};
