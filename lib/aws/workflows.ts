import { setTimeout as pause } from 'node:timers/promises';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { JobInput } from '../contract/messages.ts';
import type { WorkflowName, Workflows } from '../control/ports.ts';
import type { JobId } from '../core/ids.ts';
import { sentOnce } from './client-options.ts';
import type { Settings } from './config.ts';
import { persistHarmless, type Wait } from './persist.ts';

type Arns = Settings['workflows'];

export const stepFunctions = ({ workflows }: Settings): Workflows =>
  new StepFunctions(new SFNClient(sentOnce(5_000)), workflows);

/** Executions that one job may need: each bears 25,000 events, days of waiting. */
const executionsMax = 20;

/**
 * The execution's name is the job's id, so that started twice is started once. When that execution is over
 * and the job is not, the next name is taken: the job goes on where its records say.
 *
 * @throws TryLater
 */
export class StepFunctions implements Workflows {
  readonly #client: SFNClient;
  readonly #arns: Arns;
  readonly #wait: Wait;

  constructor(client: SFNClient, arns: Arns, wait: Wait = pause) {
    this.#client = client;
    this.#arns = arns;
    this.#wait = wait;
  }

  async start(workflow: WorkflowName, job: JobId): Promise<'started' | 'already-started'> {
    for (let execution = 1; execution <= executionsMax; execution++) {
      const name = execution === 1 ? job : `${job}-${execution}`;
      if (await this.#startNamed(workflow, job, name)) return 'started';
    }
    return 'already-started';
  }

  /** @returns whether an execution of that name runs now */
  async #startNamed(workflow: WorkflowName, job: JobId, name: string): Promise<boolean> {
    const input: JobInput = { job };
    const execution = {
      stateMachineArn: this.#arns[workflow],
      name,
      input: JSON.stringify(input),
    };
    try {
      const send = () => this.#client.send(new StartExecutionCommand(execution));
      await persistHarmless(send, this.#wait);
      return true;
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return false;
      throw error;
    }
  }
}
