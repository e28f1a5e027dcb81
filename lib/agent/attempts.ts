import type { Log } from './log.ts';

/** Work that may fail and is tried again as ever: a failure is logged when it begins and when it ends. */
export class Attempts {
  readonly #log: Log;
  readonly #failing = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  async run(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      if (this.#failing.delete(what)) this.#log(`${what}-works-again`);
    } catch (error) {
      const { name, message } = error as Error;
      if (this.#failing.get(what) === name) return;
      this.#failing.set(what, name);
      this.#log(`${what}-fails`, { error: name, message });
    }
  }
}
