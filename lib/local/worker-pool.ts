import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Children, killIfThere } from './children.ts';
import { AwsError } from './refusal.ts';
import type { Answer, Invocation } from './worker-messages.ts';

export interface FunctionSettings {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** Where the code lies. */
  readonly directory: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** Most invocations at once. */
  readonly concurrencyMax: number;
  /** Of an asynchronous event. */
  readonly retriesMax: number;
  /** The queue that gets asynchronous events whose retries are used up. */
  readonly deadLetterUrl: string | undefined;
}

export interface PoolSurroundings {
  readonly children: Children;
  readonly logFile: string;
  /** Each line that a worker prints on stdout. */
  readonly onLine: (line: string) => void;
}

interface Worker {
  readonly process: ChildProcess;
  busy: 'idle' | 'busy';
  idleTimer: NodeJS.Timeout | undefined;
}

const idleMsMax = 30_000;
/** More than any burst that a bounded fleet makes; beyond it Lambda too answers 429. */
const waitingMax = 1_000;
const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url));

const died = (code: number | null, signal: string | null): Answer => ({
  ok: false,
  error: { errorType: 'Lambda.Unknown', errorMessage: `Runtime exited: ${signal ?? code}` },
});

const timedOut = (seconds: number): Answer => ({
  ok: false,
  error: { errorType: 'Lambda.Unknown', errorMessage: `Task timed out after ${seconds} seconds` },
});

/** The worker processes of one function: started on demand, one invocation each, stopped when idle. */
export class WorkerPool {
  readonly settings: FunctionSettings;
  readonly #surroundings: PoolSurroundings;
  readonly #workers = new Set<Worker>();
  readonly #waiting: (() => void)[] = [];
  readonly #log: WriteStream;

  constructor(settings: FunctionSettings, surroundings: PoolSurroundings) {
    this.settings = settings;
    this.#surroundings = surroundings;
    this.#log = createWriteStream(surroundings.logFile, { flags: 'a' });
  }

  get busy(): number {
    return [...this.#workers].filter(({ busy }) => busy === 'busy').length;
  }

  get pids(): number[] {
    return [...this.#workers].flatMap(({ process }) => process.pid ?? []);
  }

  /** Runs the function once; a worker that dies or overruns its time is a failed invocation. */
  async invoke(event: unknown): Promise<Answer> {
    const worker = await this.#take();
    try {
      return await this.#run(worker, event);
    } finally {
      this.#giveBack(worker);
    }
  }

  /** kill -9 of one busy worker; answers whether there was one. */
  killBusy(): boolean {
    const victim = [...this.#workers].find(({ busy }) => busy === 'busy');
    return victim?.process.kill('SIGKILL') ?? false;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => this.#stop(worker)));
    this.#log.end();
  }

  async #take(): Promise<Worker> {
    for (;;) {
      const idle = [...this.#workers].find(({ busy }) => busy === 'idle');
      if (idle) return occupy(idle);
      if (this.#workers.size < this.settings.concurrencyMax) return occupy(this.#start());
      if (this.settings.concurrencyMax === 0 || this.#waiting.length >= waitingMax)
        throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #giveBack(worker: Worker): void {
    if (worker.process.killed) return; // its exit frees the place
    worker.busy = 'idle';
    worker.idleTimer = setTimeout(() => this.#stop(worker), idleMsMax);
    worker.idleTimer.unref();
    this.#waiting.shift()?.();
  }

  #start(): Worker {
    const { directory, handler, environment } = this.settings;
    const child = fork(workerFile, [directory, handler], {
      cwd: directory,
      env: { ...environment },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const worker: Worker = { process: child, busy: 'idle', idleTimer: undefined };
    const { children } = this.#surroundings;
    if (child.pid !== undefined) children.record(child.pid, `function ${this.settings.logicalId}`);
    child.on('exit', () => {
      this.#workers.delete(worker);
      if (child.pid !== undefined) children.forget(child.pid);
      this.#waiting.shift()?.();
    });
    child.on('error', () => this.#workers.delete(worker));
    this.#read(child.stdout);
    this.#read(child.stderr);
    this.#workers.add(worker);
    return worker;
  }

  #read(stream: Readable | null): void {
    if (!stream) return;
    createInterface({ input: stream }).on('line', (line) => {
      if (this.#log.writable) this.#log.write(`${line}\n`);
      this.#surroundings.onLine(line);
    });
  }

  #run({ process: child }: Worker, event: unknown): Promise<Answer> {
    const { timeoutSeconds } = this.settings;
    return new Promise((resolve) => {
      const finish = (answer: Answer): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve(answer);
      };
      const onMessage = (message: unknown): void => finish(message as Answer);
      const onExit = (code: number | null, signal: string | null): void =>
        finish(died(code, signal));
      const timer = setTimeout(() => {
        finish(timedOut(timeoutSeconds));
        child.kill('SIGKILL');
      }, timeoutSeconds * 1000);
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send(this.#invocation(event), (error) => {
        if (error) finish(died(null, error.message));
      });
    });
  }

  #invocation(event: unknown): Invocation {
    const { name, arn, memoryMb, timeoutSeconds } = this.settings;
    const awsRequestId = randomUUID();
    return {
      event,
      deadline: Date.now() + timeoutSeconds * 1000,
      context: {
        awsRequestId,
        functionName: name,
        functionVersion: '$LATEST',
        invokedFunctionArn: arn,
        memoryLimitInMB: String(memoryMb),
        logGroupName: `/aws/lambda/${name}`,
        logStreamName: 'local',
        callbackWaitsForEmptyEventLoop: true,
      },
    };
  }

  #stop({ process: child, idleTimer }: Worker): Promise<void> {
    clearTimeout(idleTimer);
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      return Promise.resolve();
    const { pid } = child;
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      killIfThere(pid); // Lambda too freezes and discards workers without asking
    });
  }
}

function occupy(worker: Worker): Worker {
  clearTimeout(worker.idleTimer);
  worker.busy = 'busy';
  return worker;
}
