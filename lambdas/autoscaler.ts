import { causeOf } from '../lib/aws/cause.ts';
import { functionPorts } from '../lib/aws/function-ports.ts';
import { stepFunctions } from '../lib/aws/workflows.ts';
import { autoscale } from '../lib/control/autoscale.ts';

const ports = functionPorts({ workflows: stepFunctions });

/**
 * A CloudWatch alarm, the schedule, or an operator: whoever calls, the fleet is read and decided
 * on.
 */
export const handler = (event: unknown) => autoscale(ports, causeOf(event));
