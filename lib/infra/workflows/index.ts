import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { drainWorkflow } from './drain.ts';
import { rebalanceWorkflow } from './rebalance.ts';
import { repairWorkflow } from './repair.ts';
import { scaleOutWorkflow } from './scale-out.ts';
import type { StepFunctions } from './steps.ts';
import { Workflow, type WorkflowName } from './workflow.ts';

export interface WorkflowsProps {
  readonly fleetName: string;
  readonly functions: StepFunctions;
}

/** The four state machines. Scale-in is a drain. */
export class Workflows extends Construct {
  readonly machines: Readonly<Record<WorkflowName, StateMachine>>;

  constructor(scope: Construct, id: string, props: WorkflowsProps) {
    super(scope, id);
    const workflow = (
      construct: string,
      name: WorkflowName,
      define: ConstructorParameters<typeof Workflow>[2]['define'],
    ) => new Workflow(this, construct, { ...props, name, define }).stateMachine;
    this.machines = {
      'scale-out': workflow('ScaleOut', 'scale-out', scaleOutWorkflow),
      drain: workflow('Drain', 'drain', drainWorkflow),
      rebalance: workflow('Rebalance', 'rebalance', rebalanceWorkflow),
      repair: workflow('Repair', 'repair', repairWorkflow),
    };
  }
}
