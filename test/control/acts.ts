import type { JobRecord } from '../../lib/contract/job-records.ts';
import { jobKey } from '../../lib/contract/keys.ts';
import type { BatchMessage } from '../../lib/contract/messages.ts';
import { admit } from '../../lib/control/admit.ts';
import { connections } from '../../lib/control/connections.ts';
import { commitFiles, findFile, type PlacedFile } from '../../lib/control/files.ts';
import { finish } from '../../lib/control/finish.ts';
import { readFleet } from '../../lib/control/fleet.ts';
import { join } from '../../lib/control/join.ts';
import { launch } from '../../lib/control/launch.ts';
import { listChunks } from '../../lib/control/manifest.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { prove } from '../../lib/control/prove.ts';
import { readChunk } from '../../lib/control/read.ts';
import { chunkIdOf, storeChunk } from '../../lib/control/store.ts';
import { terminate } from '../../lib/control/terminate.ts';
import { chunkId, type JobId, jobId } from '../../lib/core/ids.ts';
import { hashOf, type World } from './world.ts';

/** Puts a file's chunks on their nodes and commits nothing. */
export async function placeFile(
  { ports }: Pick<World, 'ports'>,
  path: string,
  contents: readonly string[],
  copies = 3,
): Promise<PlacedFile> {
  const fleet = await readFleet(ports.tables);
  const upload = ports.newId();
  const chunks = await Promise.all(
    contents.map((content, i) => {
      const bytes = new TextEncoder().encode(content);
      const chunk = { chunk: chunkIdOf(upload, i), bytes, sha256: hashOf(bytes) };
      return storeChunk(ports, fleet, chunk, upload, { kind: 'replicated', copies });
    }),
  );
  const whole = contents.join('');
  const sha256 = hashOf(new TextEncoder().encode(whole));
  return { path, size: whole.length, sha256, mode: 0o644, modifiedAt: 0, chunks };
}

export async function putFile(
  world: World,
  path: string,
  ...contents: string[]
): Promise<string[]> {
  const file = await placeFile(world, path, contents);
  await commitFiles(world.ports, [file]);
  return file.chunks.map(({ chunk }) => chunk);
}

/** Many files of one chunk each. */
export async function putFiles(world: World, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await putFile(world, `f${i}`, `content of ${i}`);
}

/** A file's content, or `undefined` where there is none. @throws ChunkUnreadable */
export async function contentOf({ ports }: World, path: string): Promise<string | undefined> {
  const record = await findFile(ports.tables, path);
  if (record === undefined) return undefined;
  const fleet = await readFleet(ports.tables);
  const pieces = await Promise.all(
    (await listChunks(ports, fleet, record)).map(({ id }) => readChunk(ports, fleet, chunkId(id))),
  );
  return pieces.map((bytes) => new TextDecoder().decode(bytes)).join('');
}

export const forever = { remainingMs: () => Number.POSITIVE_INFINITY };

/** Works on what is queued, until nothing is. */
export async function work(world: World): Promise<void> {
  for (let message = world.messages.shift(); message; message = world.messages.shift()) {
    await migrate(world.ports, message, forever);
  }
}

export const jobOf = ({ store }: World, job: string): JobRecord =>
  store.get(jobKey(jobId(job))) as unknown as JobRecord;

type Step = (world: World, job: JobId) => Promise<{ verdict: string; waitSeconds: number }>;
type Next = string | { readonly outcome: JobRecord['state'] };
const end = (outcome: JobRecord['state']): Next => ({ outcome });
const cancelled = end('cancelled');

const steps: Readonly<Record<string, { run: Step; next: Readonly<Record<string, Next>> }>> = {
  admit: {
    run: ({ ports }, job) => admit(ports, job),
    next: { go: 'connections', blocked: end('blocked'), cancelled },
  },
  connections: {
    run: ({ ports }, job) => connections(ports, job),
    next: { idle: 'plan', busy: 'connections', cancelled },
  },
  plan: {
    run: ({ ports }, job) => planJob(ports, job),
    next: { moves: 'pace', none: 'moved', blocked: 'plan', cancelled },
  },
  pace: {
    run: ({ ports }, job) => pace(ports, job),
    next: { pending: 'pace', settled: 'plan', cancelled },
  },
  prove: {
    run: ({ ports }, job) => prove(ports, job),
    next: { proved: 'terminate', held: 'plan', cancelled },
  },
  terminate: {
    run: ({ ports }, job) => terminate(ports, job),
    next: { gone: end('done'), waiting: 'terminate', cancelled },
  },
  launch: {
    run: ({ ports }, job) => launch(ports, job),
    next: { launched: 'join', cancelled },
  },
  join: {
    run: ({ ports }, job) => join(ports, job),
    next: { joined: 'plan', waiting: 'join', failed: end('failed'), cancelled },
  },
};

const firstOf: Readonly<Record<JobRecord['kind'], string>> = {
  drain: 'admit',
  'scale-in': 'admit',
  rebalance: 'plan',
  repair: 'plan',
  'scale-out': 'launch',
};

export interface RunOptions {
  /** Called before each step. */
  readonly before?: (step: string) => void | Promise<void>;
  /** Ends before this step. */
  readonly until?: string;
}

/** Runs a job as its state machine would; time passes, machines start and end, workers work. */
export async function runJob(world: World, job: JobId, options: RunOptions = {}): Promise<string> {
  const { kind } = jobOf(world, job);
  let at = firstOf[kind]!;
  for (let count = 0; count < 200; count++) {
    if (at === options.until) return at;
    await options.before?.(at);
    const { verdict, waitSeconds } = await steps[at]!.run(world, job);
    const next = steps[at]!.next[verdict];
    if (next === undefined) throw new Error(`${at} has no branch ${verdict}`);
    const after = next === 'moved' ? (isDrain(kind) ? 'prove' : end('done')) : next;
    if (typeof after === 'object') {
      await finish(world.ports, { job, outcome: after.outcome });
      return after.outcome;
    }
    at = after;
    world.pass(waitSeconds * 1_000);
    await work(world);
    world.shutDown();
    world.boot();
  }
  throw new Error(`${kind} does not end: it is at ${at}`);
}

const isDrain = (kind: JobRecord['kind']): boolean => kind === 'drain' || kind === 'scale-in';

export const take = (messages: BatchMessage[]): BatchMessage => {
  const message = messages.shift();
  if (message === undefined) throw new Error('no message was sent');
  return message;
};
