import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { readJsonFile, writeJsonFile } from './json-file.ts';

interface Child {
  readonly pid: number;
  /** When the system says that the process began: a pid alone may since belong to someone else. */
  readonly began: string;
  readonly role: string;
}

/** The processes that this cloud started, on disk, so that the next start finds those a crash left behind. */
export class Children {
  readonly #file: string;
  readonly #alive = new Map<number, Child>();

  constructor(file: string) {
    this.#file = file;
  }

  record(pid: number, role: string): void {
    const began = processBegan(pid);
    if (began === undefined) return;
    this.#alive.set(pid, { pid, began, role });
    this.#save();
  }

  forget(pid: number): void {
    if (this.#alive.delete(pid)) this.#save();
  }

  /** Kills what a previous run left behind and waits until it is gone; answers their roles. */
  async stopOrphans(): Promise<string[]> {
    const left = ((readJsonFile(this.#file) as Child[] | undefined) ?? []).filter(isAlive);
    for (const { pid } of left) killIfThere(pid);
    for (let tries = 0; left.some(isAlive) && tries < orphanTriesMax; tries += 1)
      await delay(orphanPollMs);
    this.#save();
    return left.map(({ role, pid }) => `${role} (process ${pid})`);
  }

  #save(): void {
    writeJsonFile(this.#file, [...this.#alive.values()]);
  }
}

/** 100 × 20 ms: a killed process is gone in milliseconds unless its disk hangs. */
const orphanTriesMax = 100;
const orphanPollMs = 20;

const isAlive = ({ pid, began }: Child): boolean => processBegan(pid) === began;

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Linux tells it in /proc (field 22 of stat, after the name in parentheses); others by ps. Zombies count as gone. */
function processBegan(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)])
        .toString()
        .trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
