import { functionPorts } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { eachRecord, isQueueEvent } from '../lib/aws/queue-event.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { SweepMessage } from '../lib/contract/messages.ts';
import { sweep } from '../lib/control/sweep.ts';
import { nodeId } from '../lib/core/ids.ts';

const ports = functionPorts({ nodes: agentNodes, queues: sqsQueues });

const sweepNodes = (input: unknown) => sweep(ports, SweepMessage.parse(input).nodes.map(nodeId));

/** Messages from the queue, or the schedule's own `{ nodes: [] }`: every node. */
export const handler = (event: unknown) =>
  isQueueEvent(event) ? eachRecord(event, ports.log, sweepNodes) : sweepNodes(event);
