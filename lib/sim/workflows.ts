import type { JobRecord } from '../contract/job-records.ts';
import type { StepName, StepResult, Verdicts } from '../contract/messages.ts';
import { TryLater, type WorkflowName, type Workflows } from '../control/ports.ts';
import type { JobId } from '../core/ids.ts';
import type { Ending, Ground, Process } from './process.ts';

export type Outcome = JobRecord['state'];
type AnyVerdict = Verdicts[StepName];

/** Where a verdict leads: to a step after the verdict's wait, or to the job's end. */
type Branch = { readonly to: StepName; readonly outcome?: Outcome };
type Graph = Readonly<Partial<Record<StepName, Readonly<Partial<Record<AnyVerdict, Branch>>>>>>;

const end = (outcome: Outcome): Branch => ({ to: 'finish', outcome });
const go = (to: StepName): Branch => ({ to });

const moving = (done: Branch): Graph => ({
  plan: { moves: go('pace'), none: done, blocked: go('plan'), cancelled: end('cancelled') },
  pace: { pending: go('pace'), settled: go('plan'), cancelled: end('cancelled') },
});

/** The state machines, as far as verdicts lead: the same graphs as lib/infra declares. */
const graphs: Readonly<Record<WorkflowName, { readonly first: StepName; readonly graph: Graph }>> =
  {
    drain: {
      first: 'admit',
      graph: {
        admit: { go: go('connections'), blocked: end('blocked'), cancelled: end('cancelled') },
        connections: { idle: go('plan'), busy: go('connections'), cancelled: end('cancelled') },
        ...moving(go('prove')),
        prove: { proved: go('terminate'), held: go('plan'), cancelled: end('cancelled') },
        terminate: { gone: end('done'), waiting: go('terminate'), cancelled: end('cancelled') },
      },
    },
    rebalance: { first: 'plan', graph: moving(end('done')) },
    repair: { first: 'plan', graph: moving(end('done')) },
    'scale-out': {
      first: 'launch',
      graph: {
        launch: { launched: go('join'), cancelled: end('cancelled') },
        join: {
          joined: go('plan'),
          waiting: go('join'),
          failed: end('failed'),
          cancelled: end('cancelled'),
        },
        ...moving(end('done')),
      },
    },
  };

/** Runs one step of a job in a process of its own and tells how it ended. */
export type RunStep = (
  step: StepName,
  job: JobId,
  outcome: Outcome | undefined,
  ended: (ending: Ending<StepResult<AnyVerdict>>) => void,
) => void;

/** Between the retries of a step that threw or died, milliseconds: first and most. */
const retryMs = [200, 5_000] as const;
const retriesMax = 12;
/** A step that takes longer is given up for the next try; it may go on beside it. */
const stepLimitMs = 120_000;

/** Step Functions: the executions and where they stand. */
export class SimStates {
  readonly #ground: Ground;
  readonly #run: RunStep;
  readonly #executions = new Map<string, 'running' | 'ended' | 'failed'>();

  constructor(ground: Ground, run: RunStep) {
    this.#ground = ground;
    this.#run = run;
  }

  get running(): number {
    return [...this.#executions.values()].filter((state) => state === 'running').length;
  }

  start(workflow: WorkflowName, job: JobId): 'started' | 'already-started' {
    if (this.#executions.has(job)) return 'already-started';
    this.#executions.set(job, 'running');
    const { first } = graphs[workflow];
    this.#ground.scheduler.after(1, () => this.#step(workflow, job, { to: first }, 0));
    return 'started';
  }

  #step(workflow: WorkflowName, job: JobId, at: Branch, tried: number): void {
    const { scheduler, random, faults, history } = this.#ground;
    history.note(scheduler.now, job, `step ${at.to}`, `${at.outcome ?? ''} ${tried}`);
    let decided = false;
    const ended = (ending: Ending<StepResult<AnyVerdict>>): void => {
      if (decided) return;
      decided = true;
      if (ending.kind === 'returned') this.#follow(workflow, job, at, ending.value);
      else this.#retry(workflow, job, at, tried);
    };
    this.#run(at.to, job, at.outcome, ended);
    if (random.chance(faults.stepDoubled)) this.#run(at.to, job, at.outcome, () => {});
    if (random.chance(faults.stepReplayed)) {
      const laterMs = random.logBetween(100, 120_000);
      scheduler.after(laterMs, () => this.#run(at.to, job, at.outcome, () => {}));
    }
    scheduler.after(stepLimitMs, () => ended({ kind: 'crashed' }));
  }

  #follow(
    workflow: WorkflowName,
    job: JobId,
    at: Branch,
    { verdict, waitSeconds }: StepResult<AnyVerdict>,
  ): void {
    if (at.to === 'finish') {
      this.#executions.set(job, 'ended');
      return;
    }
    const branch = graphs[workflow].graph[at.to]?.[verdict];
    if (branch === undefined) throw new Error(`${workflow}: ${at.to} has no branch ${verdict}`);
    const waitMs = Math.max(1, waitSeconds * 1_000);
    this.#ground.scheduler.after(waitMs, () => this.#step(workflow, job, branch, 0));
  }

  #retry(workflow: WorkflowName, job: JobId, at: Branch, tried: number): void {
    const { scheduler, random } = this.#ground;
    if (tried < retriesMax) {
      const backoff = Math.min(retryMs[1], retryMs[0] * 2 ** tried) * random.between(0.5, 1);
      scheduler.after(backoff, () => this.#step(workflow, job, at, tried + 1));
    } else if (at.to !== 'finish') this.#step(workflow, job, end('failed'), 0);
    else this.#executions.set(job, 'failed');
  }
}

export class SimWorkflows implements Workflows {
  readonly #process: Process;
  readonly #states: SimStates;

  constructor(process: Process, states: SimStates) {
    this.#process = process;
    this.#states = states;
  }

  start(workflow: WorkflowName, job: JobId): Promise<'started' | 'already-started'> {
    return this.#process.call(`start ${workflow} ${job}`, () => {
      const { random, faults } = this.#process.ground;
      if (random.chance(faults.executionLost)) throw new TryLater('no execution was started');
      return this.#states.start(workflow, job);
    });
  }
}
