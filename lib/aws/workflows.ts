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

/** Started twice is started once: the execution's name is the job's id. @throws TryLater */
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
    const input: JobInput = { job };
    const execution = {
      stateMachineArn: this.#arns[workflow],
      name: job,
      input: JSON.stringify(input),
    };
    try {
      const send = () => this.#client.send(new StartExecutionCommand(execution));
      await persistHarmless(send, this.#wait);
      return 'started';
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return 'already-started';
      throw error;
    }
  }
}
