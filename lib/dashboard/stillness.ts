import type { JobView } from '../cli/look/job-view.ts';

interface Seen {
  readonly bytesDone: number;
  /** Epoch milliseconds. */
  readonly movedAt: number;
}

/** Since when jobs that should move bytes have moved none, as far as this process looked. */
export class Stillness {
  #seen: ReadonlyMap<string, Seen> = new Map();

  look(jobs: readonly JobView[], now: number): Readonly<Record<string, number>> {
    const before = this.#seen;
    this.#seen = new Map(jobs.map((job) => [job.id, seenNow(job, before.get(job.id), now)]));
    return Object.fromEntries([...this.#seen].map(([id, { movedAt }]) => [id, now - movedAt]));
  }
}

const seenNow = (job: JobView, before: Seen | undefined, now: number): Seen =>
  before === undefined || before.bytesDone !== job.bytesDone || job.phase !== 'moving'
    ? { bytesDone: job.bytesDone, movedAt: now }
    : before;
