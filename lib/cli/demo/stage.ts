import { setTimeout as delay } from 'node:timers/promises';
import { type Job, listFlights, listJobs, readJob } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import type { JobId } from '../../core/ids.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { Meter } from '../meter.ts';
import { UserError } from '../user-error.ts';
import type { SteadyClient } from './steady-client.ts';

const pollMs = 250;

/** One line of what happens, with the seconds since the start. */
export class Narrator {
  readonly #context: Context;
  readonly #begun: number;

  constructor(context: Context) {
    this.#context = context;
    this.#begun = context.io.now();
  }

  get seconds(): number {
    return (this.#context.io.now() - this.#begun) / 1_000;
  }

  say(sentence: string): void {
    this.#context.io.err(`${this.seconds.toFixed(1).padStart(6)} s  ${sentence}\n`);
  }
}

/** Waits until `look` finds something, telling what it waits for. @throws UserError at the limit */
export async function waitFor<T>(
  { io }: Context,
  what: string,
  limitMs: number,
  look: () => Promise<T | undefined>,
  everyMs = pollMs,
): Promise<T> {
  const begun = io.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (io.now() - begun > limitMs) {
      throw new UserError(`Waited ${limitMs / 1_000} s for ${what}, in vain.`, exitCodes.failed);
    }
    await delay(everyMs, undefined, { signal: io.interrupted });
  }
}

/** A job that ended, and how long it moved bytes, in milliseconds. */
export interface Followed {
  readonly job: Job;
  readonly movingMs: number;
}

/** Follows a job to its end; while its moves run the client's measurements count as such. */
export async function followJob(
  context: Context,
  ports: Ports,
  client: SteadyClient,
  id: JobId,
  limitMs: number,
): Promise<Followed> {
  const meter = new Meter(context.io, '          ');
  let movingMs = 0;
  let lookedAt = context.io.now();
  try {
    const ended = await waitFor(context, `job ${id} to end`, limitMs, async () => {
      const job = await readJob(ports.tables, id);
      if (job === undefined) return undefined;
      const now = context.io.now();
      if (client.phase === 'moves') movingMs += now - lookedAt;
      lookedAt = now;
      client.phase = job.phase === 'moving' ? 'moves' : 'other';
      if (job.state !== 'running') return job;
      const flights = (await listFlights(ports.tables)).filter((flight) => flight.job === id);
      const flying = flights.reduce((sum, flight) => sum + flight.bytesDone, 0);
      meter.show({
        doneBytes: job.bytesDone + flying,
        totalBytes: job.bytesPlanned,
        note: `${job.phase}, ${flights.length} batches in flight`,
      });
      return undefined;
    });
    return { job: ended, movingMs };
  } finally {
    client.phase = 'other';
    meter.end();
  }
}

/** The newest job of a kind that none of `known` is. */
export async function newJob(
  ports: Ports,
  kind: Job['kind'],
  known: readonly JobId[],
): Promise<Job | undefined> {
  const jobs = await listJobs(ports.tables);
  return jobs.filter((job) => job.kind === kind && !known.includes(job.id)).at(-1);
}
