import { statfs } from 'node:fs/promises';
import { AgentEnv } from '../contract/env.ts';

export interface AgentSettings {
  readonly fleet: string;
  readonly heartbeatsTable: string;
  readonly directory: string;
  readonly port: number;
  /** Bytes, or the disk's own size less a reserve. */
  readonly capacity: number | 'auto';
  readonly heartbeatMs: number;
  /** Bytes a second, each way. */
  readonly backgroundRate: number;
}

/** Something in the environment is not as it must be; the message names every such thing. */
export class WrongSettings extends Error {
  override readonly name = 'WrongSettings';
}

const number = (from: number, to: number) => (text: string) =>
  /^\d+(\.\d+)?$/.test(text) && Number(text) >= from && Number(text) <= to
    ? undefined
    : `a number from ${from} to ${to}`;
const whole = (from: number, to: number) => (text: string) =>
  /^\d+$/.test(text) ? number(from, to)(text) : `a whole number from ${from} to ${to}`;
const named = (text: string) => (text === '' ? 'not empty' : undefined);

const expected: Partial<Record<keyof AgentEnv, (text: string) => string | undefined>> = {
  BALLAST_FLEET: named,
  BALLAST_HEARTBEATS_TABLE: named,
  BALLAST_DATA_DIR: named,
  BALLAST_PORT: whole(1, 65_535),
  BALLAST_CAPACITY: (text) =>
    text === 'auto' || !whole(1, Number.MAX_SAFE_INTEGER)(text) ? undefined : 'bytes or "auto"',
  BALLAST_HEARTBEAT_SECONDS: number(0.05, 300),
  BALLAST_BACKGROUND_RATE: number(0, Number.MAX_SAFE_INTEGER),
};

/** @throws WrongSettings */
export function parseSettings(environment: NodeJS.ProcessEnv): AgentSettings {
  const parsed = AgentEnv.safeParse(environment);
  if (!parsed.success) {
    const missing = parsed.error.issues.map(({ path }) => path.join('.'));
    throw new WrongSettings(`the node agent needs ${missing.join(', ')} in its environment`);
  }
  const env = parsed.data;
  const problems = Object.entries(expected).flatMap(([name, check]) => {
    const text = env[name as keyof AgentEnv];
    const wanted = check(text);
    return wanted === undefined ? [] : [`${name} is "${text}" and must be ${wanted}`];
  });
  if (problems.length > 0) throw new WrongSettings(problems.join('; '));
  return {
    fleet: env.BALLAST_FLEET,
    heartbeatsTable: env.BALLAST_HEARTBEATS_TABLE,
    directory: env.BALLAST_DATA_DIR,
    port: Number(env.BALLAST_PORT),
    capacity: env.BALLAST_CAPACITY === 'auto' ? 'auto' : Number(env.BALLAST_CAPACITY),
    heartbeatMs: Number(env.BALLAST_HEARTBEAT_SECONDS) * 1_000,
    backgroundRate: Number(env.BALLAST_BACKGROUND_RATE),
  };
}

/** Kept free of chunks: the journal and its copy while it is written anew, and the file system's own. */
const reserveShare = 0.05;

/** @param asked by the launch: it wins over the setting, and what the disk has over it */
export async function capacityOf(
  capacity: number | 'auto',
  directory: string,
  asked?: number,
): Promise<number> {
  if (asked === undefined && capacity !== 'auto') return capacity;
  const { blocks, bsize } = await statfs(directory);
  const disk = Math.floor(blocks * bsize * (1 - reserveShare));
  return asked === undefined ? disk : Math.min(asked, disk);
}
