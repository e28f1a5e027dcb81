import { randomUUID } from 'node:crypto';
import { z } from 'zod/mini';
import type { Execution, Executions } from './executions.ts';
import { parseInput } from './parse-input.ts';
import { type Backend, jsonService } from './wire.ts';

const Start = z.object({
  stateMachineArn: z.string(),
  name: z.optional(z.string().check(z.regex(/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/))),
  input: z.optional(z.string()),
});
const OneExecution = z.object({ executionArn: z.string() });
const OneMachine = z.object({ stateMachineArn: z.string() });
const Stop = z.object({
  executionArn: z.string(),
  error: z.optional(z.string()),
  cause: z.optional(z.string()),
});
const List = z.object({
  stateMachineArn: z.optional(z.string()),
  statusFilter: z.optional(z.string()),
  maxResults: z.optional(z.number()),
  nextToken: z.optional(z.string()),
});
const pageMax = 1_000;

const seconds = (ms: number): number => ms / 1000;

function describe({ arn, machineArn, started, stopped, ...execution }: Execution) {
  return {
    ...execution,
    executionArn: arn,
    stateMachineArn: machineArn,
    startDate: seconds(started),
    ...(stopped === undefined ? {} : { stopDate: seconds(stopped) }),
  };
}

function list(executions: Executions, given: unknown) {
  const { stateMachineArn, statusFilter, maxResults, nextToken } = parseInput(List, given);
  const wanted = executions
    .list()
    .filter(({ machineArn }) => !stateMachineArn || machineArn === stateMachineArn)
    .filter(({ status }) => !statusFilter || status === statusFilter);
  const from = Number(nextToken ?? 0);
  const to = from + Math.min(maxResults || 100, pageMax);
  return {
    executions: wanted.slice(from, to).map(describe),
    ...(to < wanted.length ? { nextToken: String(to) } : {}),
  };
}

function history(executions: Executions, given: unknown) {
  const events = executions.history(parseInput(OneExecution, given).executionArn);
  return {
    events: events.map(({ type, timestamp, state, error }, i) => ({
      id: i + 1,
      previousEventId: i,
      type,
      timestamp: seconds(timestamp),
      ...(type === 'StateEntered' ? { stateEnteredEventDetails: { name: state } } : {}),
      ...(type === 'StateExited' ? { stateExitedEventDetails: { name: state } } : {}),
      ...(error === undefined
        ? {}
        : { taskFailedEventDetails: { error, resourceType: 'lambda', resource: state } }),
    })),
  };
}

/** Step Functions' actions on executions. */
export const workflowsBackend = (executions: Executions): Backend =>
  jsonService({
    StartExecution: (given) => {
      const { stateMachineArn, name = randomUUID(), input = '{}' } = parseInput(Start, given);
      const { arn, started } = executions.start(stateMachineArn, name, input);
      return { executionArn: arn, startDate: seconds(started) };
    },
    DescribeExecution: (given) =>
      describe(executions.get(parseInput(OneExecution, given).executionArn)),
    ListExecutions: (given) => list(executions, given),
    StopExecution: (given) => {
      const { executionArn, error, cause } = parseInput(Stop, given);
      const { stopped = Date.now() } = executions.stop(executionArn, error, cause);
      return { stopDate: seconds(stopped) };
    },
    GetExecutionHistory: (given) => history(executions, given),
    ListStateMachines: () => ({
      stateMachines: executions.workflows().map(({ arn, name }) => ({
        stateMachineArn: arn,
        name,
        type: 'STANDARD',
        creationDate: 0,
      })),
    }),
    DescribeStateMachine: (given) => {
      const { arn, name, definition, roleArn } = executions.workflow(
        parseInput(OneMachine, given).stateMachineArn,
      );
      const fixed = { type: 'STANDARD', status: 'ACTIVE', creationDate: 0 };
      return { stateMachineArn: arn, name, definition, roleArn, ...fixed };
    },
  });
