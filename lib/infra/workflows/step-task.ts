import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { FieldUtils, type TaskMetricsConfig, TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

export interface StepTaskProps {
  readonly handler: IFunction;
  /** What the function gets; JSON paths allowed. */
  readonly payload: Record<string, unknown>;
}

/**
 * Runs one step's Lambda and keeps its answer, `{verdict, waitSeconds}`, at `$.step`. aws-cdk-lib's
 * LambdaInvoke would also allow every version and alias of the function; this allows the function.
 */
export class StepTask extends TaskStateBase {
  protected override readonly taskMetrics?: TaskMetricsConfig;
  protected override readonly taskPolicies: PolicyStatement[];
  readonly #props: StepTaskProps;

  constructor(scope: Construct, id: string, props: StepTaskProps) {
    super(scope, id, {
      resultSelector: {
        'verdict.$': '$.Payload.verdict',
        'waitSeconds.$': '$.Payload.waitSeconds',
      },
      resultPath: '$.step',
    });
    this.#props = props;
    this.taskPolicies = [
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [props.handler.functionArn],
      }),
    ];
  }

  protected override _renderTask(): Record<string, unknown> {
    return {
      Resource: `arn:${Aws.PARTITION}:states:::lambda:invoke`,
      Parameters: FieldUtils.renderObject({
        FunctionName: this.#props.handler.functionArn,
        Payload: this.#props.payload,
      }),
    };
  }
}
