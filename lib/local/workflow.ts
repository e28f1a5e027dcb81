import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { LocalCloudRefusal } from './refusal.ts';
import type { Answer } from './worker-messages.ts';

type State = Record<string, unknown> & { Type: string; Resource?: string };
type States = Record<string, State>;
type Definition = { States: States; TimeoutSeconds?: number } & Record<string, unknown>;
type Json = Parameters<StateMachine['run']>[0];

export interface Workflow {
  readonly name: string;
  readonly arn: string;
  readonly definition: string;
  readonly roleArn: string;
  /** Starts a run from the first state. */
  run(input: unknown, context: Record<string, unknown>): ReturnType<StateMachine['run']>;
}

const invokeResource = 'arn:aws:states:::lambda:invoke';
/** The interpreter defaults to 60 s where AWS has no limit; a day is none for a local run. */
const taskSecondsMax = 86_400;
/** Timers take at most 2^31 ms. */
const machineSecondsMax = 2_000_000;

/** Compiles a definition in the Amazon States Language (JSONPath, Tasks that are functions). */
export function compileWorkflow(
  name: string,
  arn: string,
  roleArn: string,
  definition: string,
  invoke: (functionReference: string, event: unknown) => Promise<Answer>,
): Workflow {
  const machine = JSON.parse(definition) as Definition;
  if (machine.QueryLanguage === 'JSONata')
    throw refusal(name, 'JSONata definitions are not interpreted locally');
  const tasks = new Map<string, State>();
  prepare(machine, name, tasks);
  const taskResourceLocalHandlers = Object.fromEntries(
    [...tasks].map(([state, { Resource = '' }]) => [
      state,
      (input: unknown) => runTask(Resource, input, invoke) as Promise<Json>,
    ]),
  );
  const compiled = new StateMachine(machine as unknown as StateMachineDefinition, {
    validationOptions: { checkArn: false },
  });
  return {
    name,
    arn,
    definition,
    roleArn,
    run: (input, context) =>
      compiled.run(input as Json, { context, overrides: { taskResourceLocalHandlers } }),
  };
}

/** Finds the Tasks in all nested machines, and gives each the time that AWS would. */
function prepare(machine: Definition, name: string, tasks: Map<string, State>): void {
  if (machine.TimeoutSeconds !== undefined)
    machine.TimeoutSeconds = Math.min(machine.TimeoutSeconds, machineSecondsMax);
  for (const [id, state] of Object.entries(machine.States)) {
    if (state.Type === 'Task') {
      if (state.Resource !== invokeResource && !state.Resource?.startsWith('arn:aws:lambda:'))
        throw refusal(name, `state ${id} uses ${state.Resource}, which has no local counterpart`);
      if (state.TimeoutSeconds === undefined && state.TimeoutSecondsPath === undefined)
        state.TimeoutSeconds = taskSecondsMax;
      tasks.set(id, state);
    }
    const inner = [state.Iterator, state.ItemProcessor, ...((state.Branches as []) ?? [])];
    for (const nested of inner) if (nested) prepare(nested as Definition, name, tasks);
  }
}

const refusal = (name: string, why: string): LocalCloudRefusal =>
  new LocalCloudRefusal('unsupported-property', `State machine ${name}: ${why}.`);

/** An error whose name Retry and Catch see, with Lambda's answer as its cause. */
class TaskFailed extends Error {
  constructor(errorType: string, cause: string) {
    super(cause);
    this.name = errorType;
  }
}

async function runTask(
  resource: string,
  input: unknown,
  invoke: (functionReference: string, event: unknown) => Promise<Answer>,
): Promise<unknown> {
  if (resource !== invokeResource) return payloadOf(await invoked(invoke, resource, input));
  const { FunctionName, Payload } = input as { FunctionName: string; Payload?: unknown };
  const payload = payloadOf(await invoked(invoke, FunctionName, Payload ?? {}));
  return { ExecutedVersion: '$LATEST', Payload: payload, StatusCode: 200 };
}

const invoked = (
  invoke: (functionReference: string, event: unknown) => Promise<Answer>,
  reference: string,
  event: unknown,
): Promise<Answer> =>
  invoke(reference, event).catch((error: Error & { code?: string }) => {
    throw new TaskFailed(`Lambda.${error.code ?? 'ServiceException'}`, error.message);
  });

function payloadOf(answer: Answer): unknown {
  if (answer.ok) return answer.value;
  throw new TaskFailed(answer.error.errorType, JSON.stringify(answer.error));
}
