import { causeOf } from '../lib/aws/cause.ts';
import { functionPorts, underPolicy } from '../lib/aws/function-ports.ts';
import { stepFunctions } from '../lib/aws/workflows.ts';
import { autoscale } from '../lib/control/autoscale.ts';

const scale = underPolicy(functionPorts({ workflows: stepFunctions }), autoscale);

/**
 * A CloudWatch alarm, the schedule, or an operator: whoever calls, the fleet is read and decided
 * on.
 */
export const handler = (event: unknown) => scale(causeOf(event));
