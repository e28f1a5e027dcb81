import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseSettings } from '../../lib/aws/config.ts';
import { agentNodes } from '../../lib/aws/nodes.ts';
import { portsFrom } from '../../lib/aws/ports.ts';
import { sqsQueues } from '../../lib/aws/queues.ts';
import { dynamoTables } from '../../lib/aws/tables.ts';
import { stepFunctions } from '../../lib/aws/workflows.ts';
import { Inspector } from '../../lib/cli/demo/inspect.ts';
import type { ControlEnv } from '../../lib/contract/env.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { type Ended, run } from './command.ts';
import { familyOf, type Known, stillThere } from './processes.ts';

/** What `ballast up` wrote down about its cloud. */
interface CloudRecord {
  readonly pid: number;
  readonly endpoint: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: ControlEnv;
}

/** A directory of its own in which commands are typed; the local cloud lives in its `.ballast`. */
export class LocalStore {
  readonly #assembly: string | undefined;
  #directory: string | undefined;

  /** @param assembly `undefined`: `up` synthesises one, as it does for a newcomer */
  constructor(assembly?: string) {
    this.#assembly = assembly;
  }

  get directory(): string {
    this.#directory ??= mkdtempSync(join(tmpdir(), 'ballast-e2e-'));
    return this.#directory;
  }

  run(...argv: readonly string[]): Promise<Ended> {
    return run(argv, { cwd: this.directory });
  }

  /** @throws when the command does not succeed */
  async json<Document>(...argv: readonly string[]): Promise<Document> {
    const { code, stdout, stderr } = await this.run(...argv, '--json');
    if (code !== 0) throw new Error(`ballast ${argv.join(' ')}: ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as Document;
  }

  up(...argv: readonly string[]): Promise<unknown> {
    const assembly = this.#assembly === undefined ? [] : ['--assembly', this.#assembly];
    return this.json('up', ...assembly, ...argv);
  }

  get cloud(): CloudRecord {
    return JSON.parse(readFileSync(join(this.directory, '.ballast/cloud.json'), 'utf8'));
  }

  get inspector(): Inspector {
    return new Inspector(this.cloud.endpoint);
  }

  /** The store's ports in this process, as the command line's client has them. */
  ports(): Ports {
    Object.assign(process.env, this.cloud.environment);
    return portsFrom(parseSettings(this.cloud.settings), {
      tables: dynamoTables,
      nodes: agentNodes,
      queues: sqsQueues,
      workflows: stepFunctions,
      log: () => () => {},
    });
  }

  /** Makes an empty directory beside the home. */
  place(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path);
    return path;
  }

  /** Stops the cloud, whatever state a failed test left it in. @returns what it left running */
  async remove(): Promise<readonly Known[]> {
    let family: readonly Known[] = [];
    try {
      family = familyOf(this.cloud.pid);
    } catch {
      // none was started
    }
    await this.run('down');
    const left = await stillThere(family);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
    return left;
  }
}

/** Polls until `probe` answers something; fails after `seconds`. */
export async function until<Value>(
  what: string,
  seconds: number,
  probe: () => Promise<Value | undefined | false>,
): Promise<Value> {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await delay(50);
  }
}
