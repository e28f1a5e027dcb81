import type { StepName, StepResult, Verdicts } from '../contract/messages.ts';
import { admit } from '../control/admit.ts';
import { connections } from '../control/connections.ts';
import { finish } from '../control/finish.ts';
import { join } from '../control/join.ts';
import { launch } from '../control/launch.ts';
import { pace } from '../control/pace.ts';
import { planJob } from '../control/plan-job.ts';
import type { Ports } from '../control/ports.ts';
import { prove } from '../control/prove.ts';
import { terminate } from '../control/terminate.ts';
import type { JobId } from '../core/ids.ts';
import type { Outcome } from './workflows.ts';

type Step = (ports: Ports, job: JobId, outcome: Outcome) => Promise<StepResult<Verdicts[StepName]>>;

/** The step functions of the state machines, as the Lambdas wire them. */
export const steps: Readonly<Record<StepName, Step>> = {
  admit,
  connections,
  plan: planJob,
  pace,
  prove,
  terminate,
  launch,
  join,
  finish: (ports, job, outcome) => finish(ports, { job, outcome }),
};
