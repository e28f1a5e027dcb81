import { eventBridge } from '../lib/aws/events.ts';
import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { tellEvents } from '../lib/control/events.ts';

const tell = underPolicy(functionPorts({ events: eventBridge }), tellEvents);

/** The schedule: events whose own step could not tell them, or does not. */
export const handler = () => tell(undefined);
