import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../lib/local/cloud.ts';
import { clientOf, fixture, start, until } from './fixture.ts';

const made = fixture();
let cloud: LocalCloud;
let sfn: SFNClient;

beforeAll(async () => {
  cloud = await start(made);
  sfn = new SFNClient(clientOf(cloud));
});
afterAll(async () => {
  await cloud?.close();
  made.remove();
});

const begin = async (name: string, input: object): Promise<string> => {
  const stateMachineArn = cloud.outputs.Machine;
  const answer = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
  );
  return answer.executionArn ?? '';
};

const end = (executionArn: string) =>
  until('the end of the execution', async () => {
    const answer = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return answer.status !== 'RUNNING' && answer;
  });

describe('a state machine of the template', () => {
  test('passes a function’s payload on', async () => {
    const { status, output = '' } = await end(await begin('plain', { n: 1 }));
    expect(status).toBe('SUCCEEDED');
    expect(JSON.parse(output)).toMatchObject({ echo: { n: 1 } });
  });

  test('waits in real time, after a choice', async () => {
    const before = Date.now();
    expect((await end(await begin('waits', { wait: 1 }))).status).toBe('SUCCEEDED');
    expect(Date.now() - before).toBeGreaterThanOrEqual(1_000);
  });

  test('catches the error that it names', async () => {
    const { status, output = '' } = await end(await begin('caught', { fail: 'Expected' }));
    expect(status).toBe('SUCCEEDED');
    expect(JSON.parse(output)).toMatchObject({ error: { Error: 'Expected' } });
  });

  test('retries a worker that was killed, then fails with its error', async () => {
    const { status, error } = await end(await begin('crashes', { crash: true }));
    expect([status, error]).toEqual(['FAILED', 'Lambda.Unknown']);
    expect(made.events('Task').filter(({ crash }) => crash)).toHaveLength(2);
  });

  test('survives kill -9 of its busy worker by its retry', async () => {
    const arn = await begin('killed', { sleep: 700, mark: 1 });
    await until('the worker is busy', () => made.events('Task').some(({ mark }) => mark === 1));
    const body = JSON.stringify({ function: 'Task' });
    const url = `${cloud.endpoint}/_ballast/kill-worker`;
    expect(await (await fetch(url, { method: 'POST', body })).json()).toEqual({ killed: 1 });
    expect((await end(arn)).status).toBe('SUCCEEDED');
    expect(made.events('Task').filter(({ mark }) => mark === 1)).toHaveLength(2);
  });

  test('starts once by name and input while it runs, and never again by that name', async () => {
    const input = { wait: 1, once: 1 };
    const arn = await begin('once', input);
    expect(await begin('once', input)).toBe(arn);
    await expect(begin('once', { other: 1 })).rejects.toThrow('Already Exists');
    await end(arn);
    await expect(begin('once', input)).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
    expect(made.events('Task').filter(({ once }) => once === 1)).toHaveLength(1);
  });

  test('is listed, has a history, and stops', async () => {
    const executionArn = await begin('stops', { wait: 60 });
    await sfn.send(new StopExecutionCommand({ executionArn, error: 'Enough' }));
    const { status, error } = await end(executionArn);
    expect([status, error]).toEqual(['ABORTED', 'Enough']);
    const stateMachineArn = cloud.outputs.Machine;
    const { executions = [] } = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'ABORTED' }),
    );
    expect(executions.map(({ name }) => name)).toEqual(['stops']);
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn }));
    expect(events.map(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name)).toContain(
      'Pause',
    );
  });
});
