import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { ControlEnv } from '../../contract/env.ts';

/** The local cloud that serves a home, as its process wrote it down once it was ready. */
export interface RunningCloud {
  readonly pid: number;
  readonly endpoint: string;
  /** What AWS clients need in their environment to speak to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: ControlEnv;
}

const fileOf = (home: string): string => join(home, 'cloud.json');

export const logOf = (home: string): string => join(home, 'logs', 'cloud.log');

export function writeRunningCloud(home: string, cloud: RunningCloud): void {
  const next = `${fileOf(home)}.next`;
  writeFileSync(next, `${JSON.stringify(cloud, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, fileOf(home));
}

export const forgetRunningCloud = (home: string): void => rmSync(fileOf(home), { force: true });

/** Undefined when there is none, or when the one on record died without taking itself off. */
export async function findRunningCloud(home: string): Promise<RunningCloud | undefined> {
  const cloud = readRecord(home);
  return cloud !== undefined && isAlive(cloud.pid) && (await answers(cloud.endpoint))
    ? cloud
    : undefined;
}

function readRecord(home: string): RunningCloud | undefined {
  try {
    const record = JSON.parse(readFileSync(fileOf(home), 'utf8'));
    return { ...record, settings: ControlEnv.parse(record.settings) };
  } catch {
    return undefined; // none, or of another version: the lock in the home still keeps two from running
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** An endpoint on loopback answers within milliseconds; one that hangs for so long is no use. */
const answerWithinMs = 3_000;

/** Whether a local cloud is behind the address: it refuses what is not signed, by a name that others lack. */
function answers(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(endpoint, { agent: false, timeout: answerWithinMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body.includes('MissingAuthenticationToken')));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
