import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Children } from './children.ts';

export interface ProcessSettings {
  readonly id: string;
  readonly directory: string;
  readonly logFile: string;
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly restartSeconds: number | undefined;
  readonly children: Children;
  readonly log: (line: string) => void;
}

const leash = fileURLToPath(new URL('./leash.ts', import.meta.url));
/** EC2 gives a machine minutes to shut down; an agent that stops in good order needs far less. */
const stopMsMax = 5_000;

/** The one service of an instance: a process that is started again when it ends, as systemd would. */
export class InstanceProcess {
  readonly #settings: ProcessSettings;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #state: 'up' | 'down' = 'down';

  constructor(settings: ProcessSettings) {
    this.#settings = settings;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#state = 'up';
    const { id, directory, logFile, entry, environment, children } = this.#settings;
    mkdirSync(directory, { recursive: true });
    const output = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['--import', leash, entry], {
      cwd: directory,
      env: { ...environment },
      stdio: ['ignore', output, output, 'ipc'],
    });
    closeSync(output);
    this.#child = child;
    if (child.pid !== undefined) children.record(child.pid, `instance ${id}`);
    child.on('error', (error) => this.#settings.log(`instance ${id}: ${error.message}`));
    child.on('exit', (code, signal) => this.#ended(child, signal ?? code));
  }

  /** kill -9, as a crash of the service: systemd starts it again. Answers whether it ran. */
  kill(): boolean {
    return this.#child?.kill('SIGKILL') ?? false;
  }

  /** Ends it for good: at once, or in good order within five seconds. */
  stop(how: 'orderly' | 'at-once'): Promise<void> {
    this.#state = 'down';
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill(how === 'orderly' ? 'SIGTERM' : 'SIGKILL');
    });
  }

  #ended(child: ChildProcess, how: string | number | null): void {
    const { id, restartSeconds, children, log } = this.#settings;
    if (child.pid !== undefined) children.forget(child.pid);
    this.#child = undefined;
    if (this.#state === 'down') return;
    log(`instance ${id}: its service ended (${how})`);
    if (restartSeconds === undefined) return;
    this.#restart = setTimeout(() => this.start(), restartSeconds * 1000);
  }
}
