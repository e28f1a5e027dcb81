import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { agentNodes } from '../lib/aws/nodes.ts';
import { isQueueEvent, readBodies } from '../lib/aws/queue-event.ts';
import { sqsQueues } from '../lib/aws/queues.ts';
import { SweepMessage } from '../lib/contract/messages.ts';
import { sweep } from '../lib/control/sweep.ts';
import { nodeId } from '../lib/core/ids.ts';

const ports = functionPorts({ nodes: agentNodes, queues: sqsQueues });
const sweepThem = underPolicy(ports, sweep);
const parse = (hint: unknown) => SweepMessage.parse(hint);

async function sweepHinted(hints: readonly SweepMessage[]): Promise<void> {
  const all = hints.some(({ nodes }) => nodes.length === 0);
  const nodes = all ? [] : [...new Set(hints.flatMap((hint) => hint.nodes))];
  if (hints.length > 0) await sweepThem(nodes.map(nodeId));
}

/** The hints of one delivery are one sweep; the schedule's own is `{ nodes: [] }`: every node. */
export const handler = async (event: unknown) => {
  if (!isQueueEvent(event)) return sweepHinted([parse(event)]);
  const { bodies, response } = readBodies(event, ports.log, parse);
  await sweepHinted(bodies);
  return response;
};
