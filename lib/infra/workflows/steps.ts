import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  JitterType,
  JsonPath,
  Pass,
  type State,
  Succeed,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { FinishInput, StepName, Verdicts } from '../../contract/messages.ts';
import { StepTask } from './step-task.ts';

export type StepFunctions = Readonly<Record<StepName, IFunction>>;

/** Twelve tries wait about seven minutes in all before jitter: longer than a throttle or a failover. */
const retryMax = 12;
const retryDelayMax = Duration.seconds(60);

type Ending = 'done' | 'cancelled' | 'blocked' | 'failed';

/** Makes the states of one state machine. Each state exists once; the machines are cycles over them. */
export class Steps {
  readonly #scope: Construct;
  readonly #functions: StepFunctions;
  readonly #endings = new Map<Ending, State>();

  constructor(scope: Construct, functions: StepFunctions) {
    this.#scope = scope;
    this.#functions = functions;
  }

  /** Runs a step; what it cannot do after its retries ends the job as failed. */
  task(step: Exclude<StepName, 'finish'>): StepTask {
    const task = this.#task(capitalised(step), step, { 'job.$': '$.job' });
    return task.addCatch(this.ending('failed'), {
      errors: ['States.ALL'],
      resultPath: '$.error',
    }) as StepTask;
  }

  /** Goes on by the step's verdict. Every verdict of the contract has its branch; another one fails. */
  after<Step extends StepName>(
    task: StepTask,
    step: Step,
    branches: Readonly<Record<Verdicts[Step], IChainable>>,
  ): void {
    const choice = new Choice(this.#scope, `After${capitalised(step)}`);
    for (const [verdict, next] of Object.entries<IChainable>(branches)) {
      choice.when(Condition.stringEquals('$.step.verdict', verdict), next);
    }
    task.next(
      choice.otherwise(
        this.failure(`${capitalised(step)}SaidOther`, 'a verdict that this workflow does not know'),
      ),
    );
  }

  /** Waits as long as the last step said, then goes on. */
  waitThen(id: string, next: StepTask): IChainable {
    return new Wait(this.#scope, id, { time: WaitTime.secondsPath('$.step.waitSeconds') }).next(
      next,
    );
  }

  /** Ends the job as failed for a reason that no error tells. */
  failure(id: string, cause: string): IChainable {
    const error = { Error: id, Cause: cause };
    return new Pass(this.#scope, id, {
      result: { value: error },
      resultPath: '$.error',
    }).next(this.ending('failed'));
  }

  /** Tells the job how it ended. A failed one fails its execution too, which an alarm counts. */
  ending(outcome: Ending): State {
    const known = this.#endings.get(outcome);
    if (known !== undefined) return known;
    const error = outcome === 'failed' ? { 'error.$': '$.error' } : {};
    const payload: Omit<Record<keyof FinishInput, unknown>, 'job' | 'error'> = { outcome };
    const task = this.#task(`Finish${capitalised(outcome)}`, 'finish', {
      'job.$': '$.job',
      ...payload,
      ...error,
    });
    this.#endings.set(outcome, task);
    task.next(
      outcome === 'failed'
        ? new Fail(this.#scope, 'Failed', {
            errorPath: JsonPath.stringAt('$.error.Error'),
            causePath: JsonPath.stringAt('$.error.Cause'),
          })
        : new Succeed(this.#scope, capitalised(outcome)),
    );
    return task;
  }

  #task(id: string, step: StepName, payload: Record<string, unknown>): StepTask {
    return new StepTask(this.#scope, id, { handler: this.#functions[step], payload }).addRetry({
      errors: ['States.TaskFailed', 'States.Timeout'],
      interval: Duration.seconds(1),
      backoffRate: 2,
      maxAttempts: retryMax,
      maxDelay: retryDelayMax,
      jitterStrategy: JitterType.FULL,
    }) as StepTask;
  }
}

const capitalised = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
