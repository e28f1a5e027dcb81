import type { Metrics } from './metrics.ts';
import { RecordFile } from './record-file.ts';
import { AwsError } from './refusal.ts';
import type { Workflow } from './workflow.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machineArn: string;
  readonly input: string;
  readonly status: ExecutionStatus;
  /** Epoch milliseconds. */
  readonly started: number;
  readonly stopped?: number;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

export interface HistoryEvent {
  readonly type: string;
  readonly timestamp: number;
  readonly state: string | undefined;
  readonly error: string | undefined;
}

/** Events kept per execution, and executions whose events are kept: a local run needs no more. */
const eventsMax = 1_000;

/** Runs state machines and keeps every execution on disk; those that a crash cut off start over. */
export class Executions {
  readonly #file: RecordFile<Execution>;
  readonly #metrics: Metrics;
  readonly #log: (line: string) => void;
  readonly #workflows = new Map<string, Workflow>();
  readonly #executions = new Map<string, Execution>();
  readonly #aborts = new Map<string, () => void>();
  readonly #history = new Map<string, HistoryEvent[]>();
  #state: 'open' | 'closed' = 'open';

  constructor(path: string, metrics: Metrics, log: (line: string) => void) {
    this.#file = new RecordFile<Execution>(path, ({ arn }) => arn);
    this.#metrics = metrics;
    this.#log = log;
  }

  addWorkflow(workflow: Workflow): void {
    this.#workflows.set(workflow.arn, workflow);
  }

  /** Restarts what was RUNNING when the last run of this home ended. */
  resume(): void {
    for (const execution of this.#file.load()) {
      this.#executions.set(execution.arn, execution);
      if (execution.status !== 'RUNNING') continue;
      const workflow = this.#workflows.get(execution.machineArn);
      if (workflow) this.#run(workflow, execution);
      else this.#end(execution, { status: 'ABORTED', cause: 'The template no longer has it.' });
    }
  }

  workflows(): Workflow[] {
    return [...this.#workflows.values()];
  }

  /** Throws StateMachineDoesNotExist. */
  workflow(arn: string): Workflow {
    const workflow = this.#workflows.get(arn);
    if (workflow) return workflow;
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  list(): Execution[] {
    return [...this.#executions.values()].sort((a, b) => b.started - a.started);
  }

  /** Throws ExecutionDoesNotExist. */
  get(arn: string): Execution {
    const execution = this.#executions.get(arn);
    if (execution) return execution;
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }

  history(arn: string): readonly HistoryEvent[] {
    this.get(arn);
    return this.#history.get(arn) ?? [];
  }

  /** The same name and input while it runs answer the same execution; else ExecutionAlreadyExists. */
  start(machineArn: string, name: string, input: string): Execution {
    const workflow = this.workflow(machineArn);
    const arn = `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const known = this.#executions.get(arn);
    if (known?.status === 'RUNNING' && known.input === input) return known;
    if (known) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    JSON.parse(input);
    const started = Date.now();
    const execution: Execution = { arn, name, machineArn, input, status: 'RUNNING', started };
    this.#keep(execution);
    this.#run(workflow, execution);
    return execution;
  }

  stop(arn: string, error: string | undefined, cause: string | undefined): Execution {
    const execution = this.get(arn);
    if (execution.status !== 'RUNNING') return execution;
    const ending = { ...(error ? { error } : {}), ...(cause ? { cause } : {}) };
    const ended = this.#end(execution, { status: 'ABORTED', ...ending });
    this.#aborts.get(arn)?.();
    return ended;
  }

  /** Leaves running executions RUNNING on disk: the next start of this home begins them again. */
  close(): void {
    this.#state = 'closed';
    for (const abort of this.#aborts.values()) abort();
    this.#file.close();
  }

  #run(workflow: Workflow, execution: Execution): void {
    const { arn, name, started } = execution;
    const Execution = {
      Id: arn,
      Name: name,
      RoleArn: workflow.roleArn,
      StartTime: new Date(started).toISOString(),
    };
    const StateMachine = { Id: workflow.arn, Name: workflow.name };
    const run = workflow.run(JSON.parse(execution.input), { Execution, StateMachine });
    this.#aborts.set(arn, run.abort);
    void this.#follow(arn, run.eventLogs);
    run.result.then(
      (output) => this.#end(execution, { status: 'SUCCEEDED', output: JSON.stringify(output) }),
      (error: Error) => this.#end(execution, failureOf(error)),
    );
  }

  async #follow(arn: string, events: AsyncIterable<object>): Promise<void> {
    const kept: HistoryEvent[] = [];
    this.#history.set(arn, kept);
    for await (const event of events) {
      const {
        type,
        timestamp,
        state,
        Error: error,
      } = event as {
        type: string;
        timestamp: number;
        state?: { name: string };
        Error?: string;
      };
      if (kept.length < eventsMax) kept.push({ type, timestamp, state: state?.name, error });
    }
  }

  #end(execution: Execution, ending: Partial<Execution>): Execution {
    const current = this.#executions.get(execution.arn) ?? execution;
    this.#aborts.delete(execution.arn);
    if (this.#state === 'closed' || current.status !== 'RUNNING') return current;
    const ended: Execution = { ...execution, ...ending, stopped: Date.now() };
    this.#keep(ended);
    this.#measure(ended);
    if (ended.status !== 'SUCCEEDED')
      this.#log(
        `execution ${ended.name}: ${ended.status} ${ended.error ?? ''} ${ended.cause ?? ''}`,
      );
    return ended;
  }

  #keep(execution: Execution): void {
    this.#executions.set(execution.arn, execution);
    this.#file.append(execution);
  }

  #measure({ status, machineArn, stopped = 0 }: Execution): void {
    const names: Partial<Record<ExecutionStatus, string>> = {
      SUCCEEDED: 'ExecutionsSucceeded',
      FAILED: 'ExecutionsFailed',
      ABORTED: 'ExecutionsAborted',
      TIMED_OUT: 'ExecutionsTimedOut',
    };
    this.#metrics.put({
      namespace: 'AWS/States',
      name: names[status] ?? status,
      dimensions: { StateMachineArn: machineArn },
      time: stopped,
      value: 1,
      weight: 1,
    });
  }
}

/** The interpreter wraps the state's error; its name is what Step Functions calls the error. */
function failureOf(error: Error): Partial<Execution> {
  if (error.name === 'ExecutionTimeoutError')
    return { status: 'TIMED_OUT', error: 'States.Timeout' };
  const cause = error.cause instanceof Error ? error.cause : error;
  return { status: 'FAILED', error: cause.name, cause: cause.message };
}
