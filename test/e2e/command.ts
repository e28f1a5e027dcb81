import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const command = resolve(import.meta.dirname, '../../bin/ballast.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface Place {
  readonly cwd: string;
  /** Run as this user. */
  readonly uid?: number;
  /** A module that is loaded before the command. */
  readonly preload?: string;
}

/** The command as a newcomer types it: a process of its own, not on a terminal. */
export function begin(argv: readonly string[], { cwd, uid, preload }: Place): Started {
  const before = preload === undefined ? [] : ['--import', preload];
  const child = spawn(process.execPath, [...before, command, ...argv], {
    cwd,
    ...(uid !== undefined && { uid, gid: uid }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<Ended>((done, failed) => {
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data;
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data;
    });
    child.on('error', failed);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, ended };
}

export const run = (argv: readonly string[], place: Place): Promise<Ended> =>
  begin(argv, place).ended;
