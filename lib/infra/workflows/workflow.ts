import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody,
  type IChainable,
  LogLevel,
  StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { StepFunctions } from './steps.ts';
import { Steps } from './steps.ts';

export type WorkflowName = 'scale-out' | 'drain' | 'rebalance' | 'repair';

/** Thirty days of waiting for room or clients are enough; AWS ends a Standard execution after a year. */
const timeout = Duration.days(30);

const physicalName = (fleetName: string, name: WorkflowName): string => `${fleetName}-${name}`;

/**
 * A workflow's ARN by its name. The functions that start a workflow are also run by it, so a reference
 * to the resource would be a cycle: its name is fixed instead, and everybody builds the ARN from it.
 */
export const workflowArn = (scope: Construct, fleetName: string, name: WorkflowName): string =>
  Stack.of(scope).formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: physicalName(fleetName, name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

export interface WorkflowProps {
  readonly fleetName: string;
  readonly name: WorkflowName;
  readonly functions: StepFunctions;
  readonly define: (steps: Steps) => IChainable;
}

/** A Standard state machine over steps that may each run twice. */
export class Workflow extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: WorkflowProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Log', { retention: RetentionDays.THREE_MONTHS });
    this.stateMachine = new StateMachine(this, 'Machine', {
      stateMachineName: physicalName(props.fleetName, props.name),
      definitionBody: DefinitionBody.fromChainable(props.define(new Steps(this, props.functions))),
      timeout,
      tracingEnabled: true,
      // Inputs are job ids: there is nothing to hide in what is logged.
      logs: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: true },
    });
    Validations.of(this.stateMachine.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'Log delivery (logs:*LogDelivery, *ResourcePolicy, DescribeLogGroups) and X-Ray (xray:Put*, ' +
        'xray:GetSampling*) have no resource-level permissions. Functions are named one by one.',
    });
  }
}
